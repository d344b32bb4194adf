"""The network: one client, files and parts of files, hashes checked, no credential shown.

- ``urls``: URLs as they may be shown, and what a login is for.
- ``hashes``: ``algorithm:hex``, and files compared with it.
- ``variables``: proxies and certificates, as variables name them.
- ``client``: the one HTTP client: session, logins, limits, errors in words.
- ``fetch``: files by hash into our cache, small texts, parts of files.
- ``remote``: a file at a URL that is read by parts, as far as it is read.
- ``download``: one large file without a hash, resumed where it ended.
- ``locked``: a file of the lock to a place of the caller's; what builds use.
"""
