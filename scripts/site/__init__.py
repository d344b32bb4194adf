"""What the documentation site makes from the code: reference pages, the list of messages, the map of the house.

``hooks`` is called by MkDocs and adds the pages; each other module makes a page from the code.
"""
