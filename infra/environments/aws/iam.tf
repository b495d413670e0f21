# Two roles: ECS starts tasks with one, a task's own programs have the other. Neither can do anything with what is not named here.

data "aws_partition" "current" {}

locals {
  arn = "arn:${data.aws_partition.current.partition}"

  # 123456789012.dkr.ecr.eu-central-1.amazonaws.com/prefix
  registry = regex("^(?P<account>[0-9]{12})\\.dkr\\.ecr\\.(?P<region>[a-z0-9-]+)\\.amazonaws\\.com(?:\\.cn)?(?P<prefix>/.*)?$", var.registry)
  repositories = sort(distinct([
    for image in concat([var.fetch_image], values(var.tracks)[*].image) :
    trimprefix("${local.registry.prefix == null ? "" : local.registry.prefix}/${split("@", image)[0]}", "/")
  ]))

  # Only ECS, and only for this account's tasks.
  started_by_ecs = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role" "execution" {
  name               = "loanops-${var.environment}-${var.pipeline}-exec"
  description        = "Pulls the images and writes the logs of ${local.name}"
  assume_role_policy = local.started_by_ecs
}

resource "aws_iam_role_policy" "execution" {
  name = "start"
  role = aws_iam_role.execution.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "SignIn"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = "*" # AWS knows no narrower one; the token opens only what the next statement allows
      },
      {
        Sid      = "Pull"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = [for name in local.repositories : "${local.arn}:ecr:${local.registry.region}:${local.registry.account}:repository/${name}"]
      },
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.predictors.arn}:*" # the streams of this one group
      },
    ]
  })
}

resource "aws_iam_role" "task" {
  for_each = var.tracks

  # A role for each bundle: tasks of the one before still read theirs while the new ones start, and when ECS goes back to it.
  name               = "loanops-${each.key}-${substr(sha256("${local.name}/${each.value.bundle_uri}"), 0, 16)}"
  description        = "Reads the bundle of ${local.name}, slot ${each.key}"
  assume_role_policy = local.started_by_ecs

  tags = { "loanops:slot" = each.key }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_iam_role_policy" "bundle" {
  for_each = var.tracks

  name = "bundle"
  role = aws_iam_role.task[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Bundle"
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = "${local.arn}:s3:::${trimprefix(each.value.bundle_uri, "s3://")}"
    }]
  })

  lifecycle {
    create_before_destroy = true
  }
}
