# platform.auto.tfvars.json: where the target is. Most of it are outputs of shared/.

variable "region" {
  description = "AWS region, such as eu-central-1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must look like eu-central-1."
  }
}

variable "account_id" {
  description = "The AWS account. Terraform refuses to work in another."
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

variable "subnet_ids" {
  description = "Private subnets, in at least two availability zones."
  type        = list(string)

  validation {
    condition     = length(distinct(var.subnet_ids)) >= 2
    error_message = "subnet_ids: a load balancer wants subnets in at least two availability zones."
  }
}

variable "client_cidrs" {
  description = "Networks from which decisions may be asked: predictors know no keys of institutions, so that what stands before them asks for these."
  type        = list(string)

  validation {
    condition     = length(var.client_cidrs) > 0 && alltrue([for cidr in var.client_cidrs : can(cidrnetmask(cidr)) && !endswith(cidr, "/0")])
    error_message = "client_cidrs: want IPv4 networks such as 10.0.0.0/16, and not everybody."
  }
}

variable "probe_cidrs" {
  description = "Networks from which a slot may be asked by its name, whatever its weight: golden requests, metrics. Empty: none."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.probe_cidrs : can(cidrnetmask(cidr)) && !endswith(cidr, "/0")])
    error_message = "probe_cidrs: want IPv4 networks such as 10.0.0.0/16, and not everybody."
  }
}

variable "certificate_arn" {
  description = "Certificate of the name by which decisions are asked. There is no listener without TLS: requests hold applicants' data."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:acm:", var.certificate_arn))
    error_message = "certificate_arn must be the ARN of a certificate in ACM."
  }
}

variable "cluster_arn" {
  description = "The ECS cluster."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:ecs:[a-z0-9-]+:[0-9]{12}:cluster/[A-Za-z0-9_-]+$", var.cluster_arn))
    error_message = "cluster_arn must be the ARN of an ECS cluster."
  }
}

variable "registry" {
  description = "The ECR registry in which images lie by their repository and digest, with a prefix of repositories where there is one."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com(\\.cn)?(/[a-z0-9]+([._/-][a-z0-9]+)*)?$", var.registry))
    error_message = "registry must look like 123456789012.dkr.ecr.eu-central-1.amazonaws.com or …amazonaws.com/prefix."
  }
}

variable "fetch_image" {
  description = "Image with sh, aws and the sha256sum of GNU, such as a copy of amazon/aws-cli in the registry, as repository@sha256:…"
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9._/-]*@sha256:[0-9a-f]{64}$", var.fetch_image))
    error_message = "fetch_image must be a repository and a digest, such as aws-cli@sha256: and 64 hexadecimal digits."
  }
}

variable "bucket" {
  description = "The bucket with the models' bundles."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "bucket must be the name of an S3 bucket."
  }
}

variable "s3_prefix_list_id" {
  description = "Prefix list of S3 in the region: the way of tasks to bundles and to the layers of images."
  type        = string
}

variable "endpoints_security_group_id" {
  description = "Security group of the network's endpoints of ECR and CloudWatch Logs. Tasks reach nothing else but S3."
  type        = string
}

variable "architecture" {
  description = "X86_64 or ARM64, as the predictor's image is."
  type        = string
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.architecture)
    error_message = "architecture must be X86_64 or ARM64."
  }
}

variable "replicas" {
  description = "Tasks of each track."
  type        = number
  default     = 2

  validation {
    condition     = var.replicas >= 1 && floor(var.replicas) == var.replicas
    error_message = "replicas must be a whole number from 1."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days must be one of the periods that CloudWatch Logs knows, at most two years."
  }
}
