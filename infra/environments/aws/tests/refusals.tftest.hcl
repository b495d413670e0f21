# What is refused before anything is planned, by the variable that is wrong.

mock_provider "aws" {
  source = "./tests"
}

run "one_slot_too_much" {
  command = plan
  variables {
    tracks  = { red = var.tracks["blue"] }
    weights = {}
  }
  expect_failures = [var.tracks]
}

run "digest_of_a_bundle" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { digest = "0a" }) }
    weights = {}
  }
  expect_failures = [var.tracks]
}

run "image_by_tag" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { image = "loanops-api:latest" }) }
    weights = {}
  }
  expect_failures = [var.tracks]
}

run "image_without_digest" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { image = "loanops-api" }) }
    weights = {}
  }
  expect_failures = [var.tracks]
}

run "policy_of_another_digest" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { policy = "{\"cutoff\":0.4}" }) }
    weights = {}
  }
  expect_failures = [var.tracks]
}

run "policy_without_a_cutoff" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { policy = "{}", policy_digest = sha256("{}") }) }
    weights = {}
  }
  expect_failures = [var.tracks]
}

run "meaning" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { meaning = "both" }) }
    weights = {}
  }
  expect_failures = [var.tracks]
}

run "too_small" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { memory_mib = 15 }) }
    weights = {}
  }
  expect_failures = [var.tracks]
}

run "more_memory_than_there_is" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { memory_mib = 122881 }) }
    weights = {}
  }
  expect_failures = [var.tracks]
}

run "more_cores_than_there_are" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { cpu_millis = 16001 }) }
    weights = {}
  }
  expect_failures = [var.tracks]
}

run "bundle_in_another_bucket" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { bundle_uri = "s3://another/key" }) }
    weights = {}
  }
  expect_failures = [var.tracks]
}

run "bundle_that_would_be_many" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { bundle_uri = "s3://${var.bucket}/*" }) }
    weights = {}
  }
  expect_failures = [var.tracks]
}

run "policy_too_long" {
  command = plan
  variables {
    tracks = { blue = merge(var.tracks["blue"], {
      policy        = jsonencode({ cutoff = 0.3, text = join("", [for i in range(1024) : "0123456789abcdef0123456789abcdef"]) })
      policy_digest = sha256(jsonencode({ cutoff = 0.3, text = join("", [for i in range(1024) : "0123456789abcdef0123456789abcdef"]) }))
    }) }
    weights = {}
  }
  expect_failures = [var.tracks]
}

run "weights_of_99" {
  command = plan
  variables {
    weights = { blue = 90, green = 9 }
  }
  expect_failures = [var.weights]
}

run "weights_of_101" {
  command = plan
  variables {
    weights = { blue = 91, green = 10 }
  }
  expect_failures = [var.weights]
}

run "half_a_percent" {
  command = plan
  variables {
    weights = { blue = 99.5, green = 0.5 }
  }
  expect_failures = [var.weights]
}

run "weight_below_0" {
  command = plan
  variables {
    weights = { blue = 110, green = -10 }
  }
  expect_failures = [var.weights]
}

run "weight_of_no_slot" {
  command = plan
  variables {
    weights = { blue = 100, red = 0 }
  }
  expect_failures = [var.weights]
}

run "weight_without_a_track" {
  command = plan
  variables {
    tracks  = { blue = var.tracks["blue"] }
    weights = { blue = 90, green = 10 }
  }
  expect_failures = [var.weights]
}

run "mirror" {
  command = plan
  variables {
    weights = { blue = 100, green = 0 }
    mirror  = "green"
  }
  expect_failures = [var.mirror]
}

run "environment" {
  command = plan
  variables {
    environment = "test"
  }
  expect_failures = [var.environment]
}

run "pipeline" {
  command = plan
  variables {
    pipeline = "Loans"
  }
  expect_failures = [var.pipeline]
}

run "generation" {
  command = plan
  variables {
    generation = 0
  }
  expect_failures = [var.generation]
}

run "fetch_image_by_tag" {
  command = plan
  variables {
    fetch_image = "aws-cli:2"
  }
  expect_failures = [var.fetch_image]
}

run "registry_with_a_tag" {
  command = plan
  variables {
    registry = "public.ecr.aws/x"
  }
  expect_failures = [var.registry]
}

run "everybody" {
  command = plan
  variables {
    client_cidrs = ["0.0.0.0/0"]
  }
  expect_failures = [var.client_cidrs]
}

run "everybody_probes" {
  command = plan
  variables {
    probe_cidrs = ["0.0.0.0/0"]
  }
  expect_failures = [var.probe_cidrs]
}

run "no_network" {
  command = plan
  variables {
    client_cidrs = ["10.0.0.1"]
  }
  expect_failures = [var.client_cidrs]
}

run "one_subnet" {
  command = plan
  variables {
    subnet_ids = ["subnet-0a", "subnet-0a"]
  }
  expect_failures = [var.subnet_ids]
}

run "account" {
  command = plan
  variables {
    account_id = "12345678901"
  }
  expect_failures = [var.account_id]
}

run "region" {
  command = plan
  variables {
    region = "everywhere"
  }
  expect_failures = [var.region]
}

run "certificate" {
  command = plan
  variables {
    certificate_arn = ""
  }
  expect_failures = [var.certificate_arn]
}

run "cluster" {
  command = plan
  variables {
    cluster_arn = "loanops"
  }
  expect_failures = [var.cluster_arn]
}

run "bucket" {
  command = plan
  variables {
    bucket = "*"
  }
  expect_failures = [var.bucket]
}

run "replicas" {
  command = plan
  variables {
    replicas = 0
  }
  expect_failures = [var.replicas]
}

run "architecture" {
  command = plan
  variables {
    architecture = "amd64"
  }
  expect_failures = [var.architecture]
}

run "logs_for_ever" {
  command = plan
  variables {
    log_retention_days = 0
  }
  expect_failures = [var.log_retention_days]
}
