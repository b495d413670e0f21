package request

import (
	"maps"
	"slices"

	"github.com/loanops/loanops/internal/pipeline"
)

// refusals are the features for want of which requests are refused after, and were not before. That is a matter of the feature store, and not of what is sent: the
// same request may be answered today and refused tomorrow. So it counts for which feature, of which version of its view, and of whom it refuses. As long as
// defaults take the place of what is not known, further features and keys break nothing.
func refusals(before, after Contract) (breaks []Break) {
	for i := range after.Added {
		is := &after.Added[i]
		if is.Feature == "" {
			continue
		}
		looked := slices.ContainsFunc(before.Added, func(was pipeline.Column) bool { return was.Feature == is.Feature && maps.Equal(was.Keys, is.Keys) })
		note := func(was, now pipeline.Fallback, text string) {
			if now == pipeline.RefuseDecision && (!looked || was != pipeline.RefuseDecision) {
				breaks = append(breaks, Break{is.Name, "is refused where the feature store " + text + ", and was not"})
			}
		}
		note(before.Store.Missing, after.Store.Missing, "does not know it")
		note(before.Store.Stale, after.Store.Stale, "has only an old value")
	}
	return breaks
}
