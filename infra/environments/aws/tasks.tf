resource "aws_cloudwatch_log_group" "predictors" {
  # Predictors log no request and no applicant; see README.md.
  name              = "/loanops/${var.environment}/${var.pipeline}"
  retention_in_days = var.log_retention_days
}

locals {
  folder = "/model"
  log = {
    logDriver = "awslogs"
    options = {
      "awslogs-group"  = aws_cloudwatch_log_group.predictors.name
      "awslogs-region" = var.region
    }
  }

  containers = {
    for slot, track in var.tracks : slot => [
      {
        # A predictor reads files. What fetches them is another container, which ends before the predictor starts.
        name       = "fetch"
        image      = "${var.registry}/${var.fetch_image}"
        essential  = false # it ends
        entryPoint = ["sh", "-euc"]
        command    = [file("${path.module}/fetch.sh")]
        environment = [
          { name = "AWS_REGION", value = var.region },
          { name = "FOLDER", value = local.folder },
          { name = "BUNDLE_URI", value = track.bundle_uri },
          { name = "BUNDLE_DIGEST", value = track.digest },
          { name = "POLICY", value = track.policy },
          { name = "POLICY_DIGEST", value = track.policy_digest },
        ]
        mountPoints      = [{ sourceVolume = "model", containerPath = local.folder, readOnly = false }]
        logConfiguration = merge(local.log, { options = merge(local.log.options, { "awslogs-stream-prefix" = "${slot}-fetch" }) })
      },
      {
        name      = "predictor"
        image     = "${var.registry}/${track.image}"
        essential = true
        dependsOn = [{ containerName = "fetch", condition = "SUCCESS" }]
        command = [
          "predictor",
          "--bundle", "${local.folder}/model.bundle",
          "--digest", track.digest,
          "--version", tostring(track.model_version),
          "--policy", "${local.folder}/policy.json",
          "--policy-digest", track.policy_digest,
          "--meaning", track.meaning,
          "--address", "0.0.0.0:${local.predictor_port}",
        ]
        # As on the local target: what was asked for, not what was granted, is what the program keeps to.
        environment = concat([
          { name = "GOMEMLIMIT", value = "${floor(track.memory_mib * 1024 * 0.95)}KiB" },
          { name = "GOMAXPROCS", value = tostring(ceil(track.cpu_millis / 1000)) },
        ], track.drill == "" ? [] : [{ name = "LOANOPS_DRILL", value = track.drill }])
        portMappings           = [{ containerPort = local.predictor_port, protocol = "tcp" }]
        mountPoints            = [{ sourceVolume = "model", containerPath = local.folder, readOnly = true }]
        user                   = "65532:65532"
        readonlyRootFilesystem = true
        linuxParameters        = { capabilities = { drop = ["ALL"] } }
        stopTimeout            = 60
        logConfiguration       = merge(local.log, { options = merge(local.log.options, { "awslogs-stream-prefix" = "${slot}-predictor" }) })
      },
    ]
  }
}

resource "aws_ecs_task_definition" "predictor" {
  for_each = var.tracks

  family                   = "${local.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = tostring(local.granted[each.key].cpu)
  memory                   = tostring(local.granted[each.key].memory)
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task[each.key].arn
  container_definitions    = jsonencode(local.containers[each.key])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }

  volume {
    name = "model"
  }

  tags = {
    "loanops:slot"          = each.key
    "loanops:model-version" = tostring(each.value.model_version)
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_ecs_service" "predictor" {
  for_each = var.tracks

  name            = "${local.name}-${each.key}"
  cluster         = var.cluster_arn
  task_definition = aws_ecs_task_definition.predictor[each.key].arn
  launch_type     = "FARGATE"
  desired_count   = var.replicas
  propagate_tags  = "SERVICE"

  # No task of a track ends before one that takes its place is healthy; tasks that do not get healthy end the deployment, which goes back.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = 120

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  # Serving again is steady too: see the postcondition.
  wait_for_steady_state = true

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.tasks.id]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.slot[each.key].arn
    container_name   = "predictor"
    container_port   = local.predictor_port
  }

  tags = { "loanops:slot" = each.key }

  depends_on = [
    aws_lb_listener_rule.probe, # a target group without a load balancer starts nothing
    aws_iam_role_policy.execution,
    aws_iam_role_policy.bundle,
    aws_vpc_security_group_egress_rule.tasks_to_s3,
    aws_vpc_security_group_egress_rule.tasks_to_endpoints,
  ]

  lifecycle {
    create_before_destroy = true

    # The provider calls an apply done whose deployment went back (hashicorp/terraform-provider-aws#20858). It is none: no weight follows it,
    # and the role by which the tasks before it read their bundle stays.
    postcondition {
      condition     = self.task_definition == aws_ecs_task_definition.predictor[each.key].arn
      error_message = "The tasks of ${each.key} did not get healthy; ECS went back to those before them. See their logs in ${aws_cloudwatch_log_group.predictors.name}."
    }
  }
}
