resource "loanops_predictor_track" "track" {
  for_each = var.tracks

  pipeline      = var.pipeline
  environment   = var.environment
  slot          = each.key
  model_version = each.value.model_version
  policy_digest = each.value.policy_digest
  policy        = each.value.policy
  digest        = each.value.digest
  bundle_uri    = each.value.bundle_uri
  image         = each.value.image
  memory_mib    = each.value.memory_mib
  cpu_millis    = each.value.cpu_millis
  meaning       = each.value.meaning
  drill         = each.value.drill

  lifecycle {
    # Nothing is ever created twice; this orders a removal: only with it does Terraform change the route, which depends on
    # the tracks, before it destroys a track that no longer gets traffic.
    create_before_destroy = true
  }
}

resource "loanops_route" "route" {
  count = length(var.weights) == 0 ? 0 : 1

  pipeline    = var.pipeline
  environment = var.environment
  weights     = var.weights
  mirror      = var.mirror
  generation  = var.generation

  # A track is ready before traffic goes to it.
  depends_on = [loanops_predictor_track.track]
}
