"""File systems that functions mount: EFS, whose control plane is moto's, and S3 Files."""
