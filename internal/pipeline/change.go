package pipeline

import (
	"reflect"
	"strings"
)

// Retrains names the keys of a spec, in its order, by which a training makes another thing of it than of the one before: none where a training would
// do the same. What is no matter of training is how a version is delivered, watched, decided by and told of, and when all of this happens by itself.
func (s Spec) Retrains(before Spec) (keys []string) {
	is, was := reflect.ValueOf(s.trained()), reflect.ValueOf(before.trained())
	for _, field := range reflect.VisibleFields(is.Type()) {
		if !reflect.DeepEqual(is.FieldByIndex(field.Index).Interface(), was.FieldByIndex(field.Index).Interface()) {
			key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			keys = append(keys, key)
		}
	}
	return keys
}

// trained is the spec without what a training does not read. A list that is written as empty is one that is left out.
func (s Spec) trained() Spec {
	s.Description, s.Policy, s.Deploy, s.Monitor, s.Schedule = "", Policy{}, Deploy{}, Monitor{}, Schedule{}
	s.Training.OnChange = ""
	s.Columns = append([]Column{}, s.Columns...)
	for i := range s.Columns {
		s.Columns[i].Reason = "" // of the policy
	}
	s.Protected, s.Ignore, s.Gates = noneAsNil(s.Protected), noneAsNil(s.Ignore), noneAsNil(s.Gates)
	return s
}

func noneAsNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}
