"""The control plane: who sells, who buys, on what terms. A file becomes a `Catalog`, catalogs become a `Snapshot`."""
