package contract

import "github.com/loanops/loanops/internal/serving"

// OtherSlot returns the slot that is not slot.
func OtherSlot(slot string) string {
	if slot == Blue {
		return Green
	}
	return Blue
}

// NextSlot says in which slot the champion, track, is or must be brought back, and which slot a challenger takes.
//
// Without a champion (nil) champion is empty and the challenger takes the slot that carries no traffic, blue when neither
// does. A champion that runs in both slots is where more traffic goes. A champion that runs in none (its track was removed
// behind Terraform's back) takes the slot that carries most of the traffic, so that it is replaced there without a gap and
// the challenger never inherits traffic; with no traffic anywhere it takes blue.
//
// The challenger's slot can carry traffic only when a shift to safety (a rollback, an abort, a restore) was interrupted between the record
// and the agent. Whoever delivers then first gives all traffic to the champion.
func NextSlot(actual Actual, track *serving.Track) (champion, challenger string) {
	heavier := Blue
	if actual.Weight(Green) > actual.Weight(Blue) {
		heavier = Green
	}
	if track == nil {
		if actual.Weight(heavier) == 0 {
			return "", Blue
		}
		return "", OtherSlot(heavier)
	}
	champion = heavier
	if !actual.runs(heavier, *track) && actual.runs(OtherSlot(heavier), *track) {
		champion = OtherSlot(heavier)
	}
	return champion, OtherSlot(champion)
}

// SlotOf returns the slot in which track is, the one with more traffic when it is in both, or "" when it is in none.
func (a Actual) SlotOf(track serving.Track) string {
	if slot, _ := NextSlot(a, &track); a.runs(slot, track) {
		return slot
	}
	return ""
}

// Weight returns the percentage of traffic that goes to slot.
func (a Actual) Weight(slot string) int {
	if a.Route == nil {
		return 0
	}
	return a.Route.Weights[slot]
}

// runs reports whether slot holds track, ready or not.
func (a Actual) runs(slot string, track serving.Track) bool {
	held, ok := a.Tracks[slot]
	return ok && held.Spec.Identity() == track
}

// SameWeights reports whether a and b share traffic in the same way: a slot with weight 0 is like one that is not named.
func SameWeights(a, b map[string]int) bool {
	for slot, weight := range a {
		if b[slot] != weight {
			return false
		}
	}
	for slot, weight := range b {
		if a[slot] != weight {
			return false
		}
	}
	return true
}
