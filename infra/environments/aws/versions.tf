terraform {
  # 1.10 locks a state in S3 without a database, in Terraform and in OpenTofu.
  required_version = ">= 1.10.0"

  # The rest is said at init: -backend-config="bucket=…" -backend-config="key=terraform/PIPELINE/ENVIRONMENT.tfstate" -backend-config="region=…".
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # stubprovider/schema.json is of 6.25.0; nothing here is known to work with an older one.
      version = "~> 6.25"
    }
  }
}

provider "aws" {
  region = var.region
  # A person with several accounts at hand does not deliver to the wrong one.
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = {
      "loanops:pipeline"    = var.pipeline
      "loanops:environment" = var.environment
    }
  }
}
