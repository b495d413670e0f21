# For platform.auto.tfvars.json of a pipeline's environment, under the names that it asks for.

output "bucket" {
  description = "The bucket of artifacts."
  value       = aws_s3_bucket.artifacts.bucket
}

output "cluster_arn" {
  description = "The ECS cluster."
  value       = aws_ecs_cluster.predictors.arn
}

output "registry" {
  description = "The registry of the account."
  value       = "${var.account_id}.dkr.ecr.${var.region}.${data.aws_partition.current.dns_suffix}"
}

output "s3_prefix_list_id" {
  description = "Prefix list of S3."
  value       = aws_vpc_endpoint.s3.prefix_list_id
}

output "endpoints_security_group_id" {
  description = "Security group of the network's endpoints."
  value       = aws_security_group.endpoints.id
}

# For workers.

output "database_address" {
  description = "host:port of the database, whose name and user are loanops."
  value       = aws_db_instance.database.endpoint
}

output "database_secret_arn" {
  description = "The secret in which Secrets Manager keeps the user's password."
  value       = one(aws_db_instance.database.master_user_secret[*].secret_arn)
}
