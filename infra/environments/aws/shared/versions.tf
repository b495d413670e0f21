terraform {
  required_version = ">= 1.10.0"

  # The rest is said at init, as for a pipeline's environment: see ../README.md, also for the bucket in which this state itself lies.
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = { "loanops:platform" = var.name }
  }
}
