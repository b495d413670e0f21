package terraform

import (
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

// Follow is the environment in which traffic is what record says, given what runs now and the whole history of the record. specOf
// says how a track that does not run is to be started.
//
// The champion keeps running as it runs: new limits arrive with a challenger and are judged with it. Without a challenger the other
// slot keeps what was champion once, without traffic, so that going back is a change of weights; anything else leaves it.
func Follow(record serving.Record, history []serving.Record, actual contract.Actual, specOf func(serving.Track) (contract.TrackSpec, error)) (Desired, error) {
	d := Desired{
		Pipeline: record.Pipeline, Environment: record.Environment, Generation: record.Generation,
		Tracks: map[string]contract.TrackSpec{}, Weights: map[string]int{},
	}
	champion, other := contract.NextSlot(actual, record.Champion)
	if record.Champion != nil {
		spec, err := specOf(*record.Champion)
		if err != nil {
			return d, err
		}
		if running, ok := actual.Tracks[champion]; ok && running.Spec.DecidesAs(spec) {
			spec = running.Spec
			spec.Drill = ""
		}
		d.Tracks[champion] = spec
		d.Weights[champion] = record.Share(*record.Champion)
	}
	if record.Challenger != nil {
		spec, err := specOf(*record.Challenger)
		if err != nil {
			return d, err
		}
		if record.Champion == nil {
			if slot := actual.SlotOf(*record.Challenger); slot != "" {
				other = slot
			}
		}
		spec.Drill = record.Drill
		d.Tracks[other] = spec
		if record.Champion != nil {
			d.Weights[other] = record.Weight
		}
		if record.Mirror() != nil {
			d.Mirror = other
		}
		return d, nil
	}
	left, ok := actual.Tracks[other]
	if !ok || record.Champion == nil || left.State == contract.TrackFailed || left.Spec.Drill != "" || !serving.WasChampion(history, left.Spec.Identity()) {
		return d, nil
	}
	spec, err := specOf(left.Spec.Identity())
	if fault.CodeOf(err) == fault.NotFound {
		return d, nil // nobody can say any more how it should decide
	}
	if err == nil && left.Spec.DecidesAs(spec) {
		d.Tracks[other] = left.Spec
		d.Weights[other] = 0
	}
	return d, err
}
