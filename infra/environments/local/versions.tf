terraform {
  # 1.10 locks a state in S3 without a database, in Terraform and in OpenTofu.
  required_version = ">= 1.10.0"

  required_providers {
    loanops = {
      # The host is ours and not on the network: the provider is installed from a filesystem mirror.
      source  = "loanops.local/loanops/loanops"
      version = "0.1.0"
    }
  }
}

provider "loanops" {
  agent_url        = var.agent_url
  agent_token_file = var.agent_token_file
  generation       = var.generation
}
