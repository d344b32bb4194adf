"""The network: a client, files and parts of files, with hashes checked and credentials hidden.

- ``urls``: URLs in a form fit for messages, and what credentials apply to.
- ``hashes``: ``algorithm:hex``, and files compared with it.
- ``variables``: proxies and certificates, from environment variables.
- ``client``: the HTTP client: session, logins, limits, errors in words.
- ``fetch``: files by hash into the cache, small texts, parts of files.
- ``remote``: a file at a URL, of which only the parts that are read are fetched.
- ``download``: a large file without a hash, resumed after an interruption.
- ``locked``: a file of the lock to a given path; used by builds.
"""
