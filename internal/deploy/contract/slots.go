package contract

// OtherSlot returns the slot that is not slot.
func OtherSlot(slot string) string {
	if slot == Blue {
		return Green
	}
	return Blue
}

// NextSlot says in which slot the champion is, or must be brought back, and which slot a challenger takes.
//
// Without a champion (championVersion 0) champion is empty and the challenger takes the slot that carries no traffic,
// blue when neither does. A champion that runs in both slots is where more traffic goes. A champion that runs in none (its
// track was removed behind Terraform's back) takes the slot that carries most of the traffic, so that it is replaced there without a gap and
// the challenger never inherits traffic; with no traffic anywhere it takes blue.
//
// The challenger's slot can carry traffic in one case only: a rollback that was interrupted between the registry and the
// agent. Whoever delivers then first gives all traffic to the champion.
func NextSlot(actual Actual, championVersion int) (champion, challenger string) {
	heavier := Blue
	if actual.Weight(Green) > actual.Weight(Blue) {
		heavier = Green
	}
	if championVersion == 0 {
		if actual.Weight(heavier) == 0 {
			return "", Blue
		}
		return "", OtherSlot(heavier)
	}
	champion = heavier
	if !actual.runs(heavier, championVersion) && actual.runs(OtherSlot(heavier), championVersion) {
		champion = OtherSlot(heavier)
	}
	return champion, OtherSlot(champion)
}

// SlotOf returns the slot in which version is, the one with more traffic when it is in both, or "" when it is in none.
func (a Actual) SlotOf(version int) string {
	if champion, _ := NextSlot(a, version); a.runs(champion, version) {
		return champion
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

// runs reports whether slot holds version, ready or not.
func (a Actual) runs(slot string, version int) bool {
	track, ok := a.Tracks[slot]
	return ok && track.Spec.ModelVersion == version
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
