package monitor

import (
	"fmt"
	"time"
)

// Skew is how what the feature store tells decisions compares with what it tells trainings, of a sample of the entities and of the same moment.
type Skew struct {
	Views []ViewSkew `json:"views"`
}

// ViewSkew is that of a version of a view.
type ViewSkew struct {
	View string `json:"view"` // name@version
	// Until is the moment up to which the online store has what the view's source says, at which both stores were asked; nil: it has nothing.
	Until *time.Time `json:"until"`
	// Age is how long ago that was, in seconds, and Promised how old the definition lets it become; 0 where it promises nothing.
	Age      float64 `json:"age_seconds"`
	Promised float64 `json:"promised_seconds"`
	// Entities are how many of the sample were compared, Changed how many were left out: rows of them were posted since.
	Entities int `json:"entities"`
	Changed  int `json:"changed"`
	// Writing says that the view was being written, so that nothing was compared.
	Writing bool `json:"writing,omitempty"`
	// Features are all of the view's, in its order, and event_timestamp, the event time that they are served with.
	Features []FeatureSkew `json:"features"`
}

// FeatureSkew is how many of the entities have another value in one store than in the other, be it none.
type FeatureSkew struct {
	Name   string `json:"name"`
	Differ int    `json:"differ"`
}

// Find tells what is wrong. One entity that differs is: both stores have one definition, and nothing about it is a matter of chance.
func (s *Skew) Find() (found []Finding) {
	for _, v := range s.Views {
		if v.Until == nil {
			found = append(found, Finding{Kind: OfSkew, Feature: v.View, Statistic: notMaterialized, Message: fmt.Sprintf(
				"nothing of %s is in the online store, so that decisions are made with defaults where the champion has learned from values: loanops features materialize %[1]s", v.View)})
			continue
		}
		if v.Promised > 0 && v.Age > v.Promised {
			found = append(found, Finding{Kind: OfSkew, Feature: v.View, Statistic: featureAge, Value: v.Age, Limit: v.Promised, Message: fmt.Sprintf(
				"what decisions read of %s was known %s ago, and its freshness promises %s: loanops features materialize %[1]s", v.View, seconds(v.Age), seconds(v.Promised))})
		}
		for _, f := range v.Features {
			if f.Differ > 0 {
				found = append(found, Finding{Kind: OfSkew, Feature: v.View + ":" + f.Name, Statistic: featureSkew, Value: float64(f.Differ) / float64(v.Entities), Rows: int64(v.Entities), Message: fmt.Sprintf(
					"%s:%s: decisions read another value than trainings for %d of %d entities at the same moment; loanops features materialize %[1]s --anew writes the online store again", v.View, f.Name, f.Differ, v.Entities)})
			}
		}
	}
	return found
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Second)
}
