"""ECR: moto for repositories, Docker's registry for what lies in them, tokens of our own."""
