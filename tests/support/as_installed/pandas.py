"""Says that pandas is not there, as in every installation: only a benchmark wants it, and loading it takes long."""

raise ImportError("pandas is no dependency of Hải Đăng")
