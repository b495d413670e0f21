output "versions" {
  description = "The model version in each slot; null, which makes no plan, when nothing runs."
  value       = length(var.tracks) == 0 ? null : { for slot, track in var.tracks : slot => track.model_version }
}

output "weights" {
  description = "Percent of the traffic of each slot."
  value       = length(local.weights) == 0 ? null : local.weights
}

output "granted" {
  description = "What each track asked for and what Fargate grants and bills: CPU units (1024 are a core) and MiB of each task."
  value = {
    for slot, track in var.tracks : slot => {
      asked_cpu_millis = track.cpu_millis
      asked_memory_mib = track.memory_mib
      cpu_units        = local.granted[slot].cpu
      memory_mib       = local.granted[slot].memory
    }
  }
}

output "address" {
  description = "DNS name of the load balancer, for the name that is on the certificate to point at."
  value       = aws_lb.balancer.dns_name
}

output "route_rule_arn" {
  description = "The rule that holds the weights, for shifting traffic to safety without Terraform; null when nothing is routed."
  value       = one(aws_lb_listener_rule.route[*].arn)
}

output "target_group_arns" {
  description = "Target group of each slot."
  value       = { for slot, group in aws_lb_target_group.slot : slot => group.arn }
}

output "task_role_names" {
  description = "Role of the tasks of each slot, which reads its bundle and nothing else."
  value       = { for slot, role in aws_iam_role.task : slot => role.name }
}
