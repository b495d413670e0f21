variable "name" {
  description = "Name of the platform, the first part of what is made."
  type        = string
  default     = "loanops"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,29}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name must be lower-case letters, digits and single dashes, from a letter, 2 to 31 of them."
  }
}

variable "region" {
  description = "AWS region, such as eu-central-1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must look like eu-central-1."
  }
}

variable "account_id" {
  description = "The AWS account. Terraform refuses to work in another. It is part of the bucket's name, which nobody else in the world may have."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits."
  }
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "vpc_cidr" {
  description = "Its addresses: who may use its endpoints."
  type        = string

  validation {
    condition     = can(cidrnetmask(var.vpc_cidr)) && !endswith(var.vpc_cidr, "/0")
    error_message = "vpc_cidr: want an IPv4 network such as 10.0.0.0/16, and not everybody."
  }
}

variable "subnet_ids" {
  description = "Private subnets, in at least two availability zones."
  type        = list(string)

  validation {
    condition     = length(distinct(var.subnet_ids)) >= 2
    error_message = "subnet_ids: the database wants subnets in at least two availability zones."
  }
}

variable "route_table_ids" {
  description = "Route tables of the subnets: how S3 is reached without the internet."
  type        = list(string)
}

variable "worker_security_group_ids" {
  description = "Security groups of the workers and the agent: who may connect to the database."
  type        = list(string)
}

variable "repositories" {
  description = "Repositories of images and packages."
  type        = set(string)
  default     = ["loanops-api", "loanops-worker", "aws-cli"]
}

variable "database_class" {
  description = "Size of the database."
  type        = string
  default     = "db.t4g.medium"
}

variable "database_gib" {
  description = "Disk of the database at first; it grows to ten times that by itself."
  type        = number
  default     = 50

  validation {
    condition     = var.database_gib >= 20 && floor(var.database_gib) == var.database_gib
    error_message = "database_gib must be a whole number from 20."
  }
}

variable "backup_days" {
  description = "How long backups of the database, and what is deleted in the bucket, can be brought back. No shorter than a week; what applicants have a right to see deleted is gone after it."
  type        = number
  default     = 30

  validation {
    condition     = var.backup_days >= 7 && var.backup_days <= 35 && floor(var.backup_days) == var.backup_days
    error_message = "backup_days must be a whole number from 7 to 35."
  }
}
