# delivery.auto.tfvars.json: what is delivered. The variables are those of ../local; what AWS cannot do is refused.

variable "pipeline" {
  description = "Name of the pipeline, which is the name of its model."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,39}$", var.pipeline))
    error_message = "pipeline must be lower-case letters, digits and dashes, at most 40."
  }
}

variable "environment" {
  description = "staging or production."
  type        = string

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "environment must be staging or production."
  }
}

variable "generation" {
  description = "Generation of the serving record that this delivery follows: a tag of the route. Nothing here refuses an older one, see README.md."
  type        = number

  validation {
    condition     = var.generation >= 1 && floor(var.generation) == var.generation
    error_message = "generation must be a whole number from 1."
  }
}

variable "tracks" {
  description = "What runs, by slot."
  type = map(object({
    model_version = number
    policy_digest = string
    policy        = string
    digest        = string
    bundle_uri    = string
    image         = string
    memory_mib    = number
    cpu_millis    = number
    meaning       = string
    drill         = optional(string, "")
  }))

  validation {
    condition     = alltrue([for slot in keys(var.tracks) : contains(["blue", "green"], slot)])
    error_message = "tracks: the slots are blue and green."
  }
  validation {
    condition     = alltrue([for track in values(var.tracks) : can(regex("^[0-9a-f]{64}$", track.digest))])
    error_message = "tracks: digest must be 64 lower-case hexadecimal digits (SHA-256)."
  }
  validation {
    condition     = alltrue([for track in values(var.tracks) : can(regex("^[a-z0-9][a-z0-9._/-]*@sha256:[0-9a-f]{64}$", track.image))])
    error_message = "tracks: image must be a repository and a digest, such as loanops-api@sha256: and 64 hexadecimal digits."
  }
  validation {
    condition     = alltrue([for track in values(var.tracks) : sha256(track.policy) == track.policy_digest])
    error_message = "tracks: policy_digest must be the SHA-256 of policy."
  }
  validation {
    condition     = alltrue([for track in values(var.tracks) : try(jsondecode(track.policy).cutoff > 0 && jsondecode(track.policy).cutoff < 1, false)])
    error_message = "tracks: policy must be JSON with a cutoff strictly between 0 and 1."
  }
  validation {
    condition     = alltrue([for track in values(var.tracks) : contains(["default", "approval"], track.meaning)])
    error_message = "tracks: meaning must be default or approval."
  }
  validation {
    condition     = alltrue([for track in values(var.tracks) : track.memory_mib >= 16 && track.cpu_millis >= 10])
    error_message = "tracks: memory_mib must be at least 16 and cpu_millis at least 10."
  }
  validation {
    condition     = alltrue([for track in values(var.tracks) : track.memory_mib <= 122880 && track.cpu_millis <= 16000])
    error_message = "tracks: Fargate grants at most 122880 MiB and 16000 thousandths of a core."
  }
  validation {
    # The name of an object enters a policy, where * and ? would mean more than one.
    condition     = alltrue([for track in values(var.tracks) : can(regex("^[A-Za-z0-9._/-]+$", trimprefix(track.bundle_uri, "s3://${var.bucket}/")))])
    error_message = "tracks: bundle_uri must be s3://, the bucket's name, / and a key of letters, digits, dots, dashes, underscores and slashes."
  }
  validation {
    # A task's definition, which carries the policy, has at most 64 KiB.
    condition     = alltrue([for track in values(var.tracks) : length(jsonencode(track.policy)) <= 32768])
    error_message = "tracks: policy must have at most 32 KiB as a JSON text; ECS has no room for more."
  }
}

variable "weights" {
  description = "Percent of the traffic, by slot. Empty: no traffic at all, as before the first golden requests passed."
  type        = map(number)

  validation {
    condition     = length(var.weights) == 0 || sum(concat([0], values(var.weights))) == 100
    error_message = "weights must sum to 100."
  }
  validation {
    condition     = alltrue([for weight in values(var.weights) : weight >= 0 && floor(weight) == weight])
    error_message = "weights must be whole percents, not below 0."
  }
  validation {
    condition     = alltrue([for slot, weight in var.weights : contains(["blue", "green"], slot)])
    error_message = "weights: the slots are blue and green."
  }
  validation {
    condition     = alltrue([for slot, weight in var.weights : weight == 0 || contains(keys(var.tracks), slot)])
    error_message = "weights: a slot without a track cannot have traffic."
  }
}

variable "mirror" {
  description = "Always empty: a load balancer of AWS sends no copies of requests."
  type        = string
  default     = ""

  validation {
    condition     = var.mirror == ""
    error_message = "mirror: a load balancer of AWS cannot send copies of requests; deliver without mirrored steps."
  }
}
