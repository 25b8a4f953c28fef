"""Somebody else's machines: a virtual plant (`plant`), faults as a layer over it, recordings played again (`replay`).

They pace and publish; what a message means they do not know.
"""
