# Predictors' addresses are not outputs: they change when a crashed process is started again, and a changed output would make
# `terraform plan -detailed-exitcode` report a change where there is nothing to do. `terraform state show` has them.

output "versions" {
  description = "The model version in each slot; null, which makes no plan, when nothing runs."
  value       = length(var.tracks) == 0 ? null : { for slot, track in loanops_predictor_track.track : slot => track.model_version }
}

output "weights" {
  description = "Percent of the traffic of each slot."
  value       = one(loanops_route.route[*].weights)
}
