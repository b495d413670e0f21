# What all pipelines share: how the bucket, the database and the registry are closed.

mock_provider "aws" {
  source = "./tests"
}

run "bucket" {
  assert {
    condition     = aws_s3_bucket_versioning.artifacts.versioning_configuration[0].status == "Enabled" && one(one(aws_s3_bucket_server_side_encryption_configuration.artifacts.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "The bucket keeps no versions, or in clear."
  }
  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.artifacts.block_public_acls, aws_s3_bucket_public_access_block.artifacts.block_public_policy,
      aws_s3_bucket_public_access_block.artifacts.ignore_public_acls, aws_s3_bucket_public_access_block.artifacts.restrict_public_buckets,
    ]) && aws_s3_bucket_ownership_controls.artifacts.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "The bucket can be opened to the public."
  }
  assert {
    condition = jsondecode(aws_s3_bucket_policy.artifacts.policy).Statement == [{
      Sid       = "OnlyTLS"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = ["arn:aws:s3:::loanops-123456789012-eu-central-1", "arn:aws:s3:::loanops-123456789012-eu-central-1/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
    error_message = "The bucket is read or written without TLS."
  }
  assert {
    condition = alltrue([for each in [
      aws_s3_bucket_versioning.artifacts.bucket, aws_s3_bucket_server_side_encryption_configuration.artifacts.bucket, aws_s3_bucket_public_access_block.artifacts.bucket,
      aws_s3_bucket_ownership_controls.artifacts.bucket, aws_s3_bucket_policy.artifacts.bucket, aws_s3_bucket_lifecycle_configuration.artifacts.bucket,
    ] : each == aws_s3_bucket.artifacts.id]) && aws_s3_bucket.artifacts.bucket == "loanops-123456789012-eu-central-1" && !aws_s3_bucket.artifacts.force_destroy
    error_message = "Something closes another bucket."
  }
  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.artifacts.rule[0].noncurrent_version_expiration[0].noncurrent_days == 30 && aws_s3_bucket_lifecycle_configuration.artifacts.rule[0].status == "Enabled"
    error_message = "What is deleted stays for ever."
  }
}

run "database" {
  assert {
    condition     = aws_db_instance.database.storage_encrypted && !aws_db_instance.database.publicly_accessible && aws_db_instance.database.deletion_protection && !aws_db_instance.database.skip_final_snapshot
    error_message = "The database is in clear, on the internet, or deleted by mistake."
  }
  assert {
    condition     = aws_db_instance.database.manage_master_user_password && aws_db_instance.database.password == null && aws_db_instance.database.backup_retention_period == 30 && aws_db_instance.database.multi_az
    error_message = "The password is in the state, or there is no way back."
  }
  assert {
    condition = (
      aws_db_instance.database.vpc_security_group_ids == toset([aws_security_group.database.id]) &&
      { for id, rule in aws_vpc_security_group_ingress_rule.database : rule.referenced_security_group_id => [rule.from_port, rule.to_port] } == { "sg-0b" = [5432, 5432] } &&
      alltrue([for rule in aws_vpc_security_group_ingress_rule.database : rule.security_group_id == aws_security_group.database.id && rule.cidr_ipv4 == null])
    )
    error_message = "Others than workers reach the database."
  }
  assert {
    condition     = aws_db_instance.database.enabled_cloudwatch_logs_exports == null
    error_message = "Statements with values of applicants would be exported."
  }
}

run "registry" {
  assert {
    condition     = toset(keys(aws_ecr_repository.images)) == toset(["aws-cli", "loanops-api", "loanops-worker"]) && alltrue([for each in aws_ecr_repository.images : each.image_tag_mutability == "IMMUTABLE" && each.image_scanning_configuration[0].scan_on_push])
    error_message = "Repositories are missing, their tags move, or nobody looks into images."
  }
  assert {
    condition     = output.registry == "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
    error_message = "The registry is another."
  }
}

run "without_the_internet" {
  assert {
    condition     = values(aws_vpc_endpoint.interface)[*].service_name == ["com.amazonaws.eu-central-1.ecr.api", "com.amazonaws.eu-central-1.ecr.dkr", "com.amazonaws.eu-central-1.logs"] && aws_vpc_endpoint.s3.service_name == "com.amazonaws.eu-central-1.s3"
    error_message = "An endpoint is missing."
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.endpoints.cidr_ipv4 == "10.0.0.0/16" && alltrue([for each in aws_vpc_endpoint.interface : each.security_group_ids == toset([aws_security_group.endpoints.id])])
    error_message = "Others than the network reach its endpoints."
  }
}

run "everybody" {
  command = plan
  variables {
    vpc_cidr = "0.0.0.0/0"
  }
  expect_failures = [var.vpc_cidr]
}

run "no_backups" {
  command = plan
  variables {
    backup_days = 0
  }
  expect_failures = [var.backup_days]
}

run "one_subnet" {
  command = plan
  variables {
    subnet_ids = ["subnet-0a"]
  }
  expect_failures = [var.subnet_ids]
}

run "account" {
  command = plan
  variables {
    account_id = "mine"
  }
  expect_failures = [var.account_id]
}
