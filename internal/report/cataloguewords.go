package report

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/loanops/loanops/internal/feature"
)

// Age is a span of seconds in one unit, as a person says it.
func Age(seconds float64) string {
	sign := ""
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	for _, unit := range []struct {
		of   float64
		name string
	}{{24 * 60 * 60, "d"}, {60 * 60, "h"}, {60, "min"}} {
		if seconds >= 2*unit.of || seconds == unit.of {
			return sign + strconv.FormatFloat(math.Floor(seconds/unit.of), 'f', -1, 64) + " " + unit.name
		}
	}
	return sign + strconv.FormatFloat(math.Floor(seconds), 'f', -1, 64) + " s"
}

// WindowOf says how a feature is made of its view's rows: "sum of late over 90d".
func WindowOf(f *feature.Feature) string {
	switch {
	case f.Plain() && f.Of != "":
		return f.Of + " of the newest row"
	case f.Plain():
		return "of the newest row"
	case f.Of == "":
		return fmt.Sprintf("%s of rows over %s", f.Aggregate, f.Over)
	}
	return fmt.Sprintf("%s of %s over %s", f.Aggregate, f.Of, f.Over)
}

// RangeOf is what is allowed in the column that a feature is of, as far as it is told of the feature: "300 to 850", or the texts of a domain. Empty is everything.
func RangeOf(v *feature.View, f *feature.Feature) string {
	i := v.Input(f.Column())
	if i < 0 || !f.Plain() && !slices.Contains([]feature.Aggregate{feature.Min, feature.Max, feature.Last}, f.Aggregate) {
		return ""
	}
	c := v.Inputs()[i]
	return rangeOf(c.Min, c.Max, c.Domain)
}

func rangeOf(low, high *float64, domain []string) string {
	switch {
	case len(domain) > 0:
		return strings.Join(domain, ", ")
	case low != nil && high != nil:
		return short(*low) + " to " + short(*high)
	case low != nil:
		return "from " + short(*low)
	case high != nil:
		return "up to " + short(*high)
	}
	return ""
}

// ModelsOf are versions of one model that take the same.
type ModelsOf struct {
	UsedModel
	Versions string // such as "1 to 4, 6 (champion)"
}

// ModelsTogether tells of versions of a model that take the same at once.
func ModelsTogether(models []UsedModel) (together []ModelsOf) {
	var versions [][]UsedModel
	for _, m := range models {
		i := slices.IndexFunc(together, func(of ModelsOf) bool {
			return of.Model == m.Model && of.Of == m.Of && slices.Equal(of.Features, m.Features)
		})
		if i < 0 {
			i, together, versions = len(together), append(together, ModelsOf{UsedModel: m}), append(versions, nil)
		}
		versions[i] = append(versions[i], m)
	}
	for i := range together {
		together[i].Versions = versionsInWords(versions[i])
	}
	return together
}

// versionsInWords puts those that follow each other together, and names what an alias names.
func versionsInWords(of []UsedModel) string {
	of = slices.SortedFunc(slices.Values(of), func(a, b UsedModel) int { return a.Version - b.Version })
	var parts []string
	for i := 0; i < len(of); {
		last := i
		for last+1 < len(of) && of[last+1].Version == of[last].Version+1 && len(of[last].Aliases)+len(of[last+1].Aliases) == 0 {
			last++
		}
		part := strconv.Itoa(of[i].Version)
		if last > i {
			part += " to " + strconv.Itoa(of[last].Version)
		}
		if len(of[i].Aliases) > 0 {
			part += " (" + strings.Join(of[i].Aliases, ", ") + ")"
		}
		parts, i = append(parts, part), last+1
	}
	return strings.Join(parts, ", ")
}

// DefinitionYAML is a definition of the register as a file of definitions has it, which can be applied again; as it is kept, as JSON, where it has what the library for
// YAML does not write so that it is read as the same: texts that begin with a tab, numbers such as 1e-07.
func DefinitionYAML(kind feature.Kind, document []byte) string {
	var definition yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(document, &definition, yaml.UseOrderedMap()); err != nil || !survives(definition, document) {
		return string(document)
	}
	if kind == feature.KindView {
		definition = withoutAdded(definition)
	}
	text, err := yaml.Marshal(yaml.MapSlice{{Key: listOf[kind], Value: []any{definition}}})
	if err != nil {
		return string(document)
	}
	return string(text)
}

// survives is whether what YAML is written of a document's definition is read as the document.
func survives(definition yaml.MapSlice, document []byte) bool {
	text, err := yaml.Marshal(definition)
	if err != nil {
		return false
	}
	data, err := yaml.YAMLToJSON(text)
	var read, want any
	return err == nil && json.Unmarshal(data, &read) == nil && json.Unmarshal(document, &want) == nil && reflect.DeepEqual(read, want)
}

// listOf is the key of a file under which definitions of a kind stand.
var listOf = map[feature.Kind]string{feature.KindEntity: "entities", feature.KindView: "views", feature.KindExpression: "expressions", feature.KindService: "services"}

// withoutAdded is a view without what the register adds, and a file must not have: keys, which are the entity's, and severities of rules.
func withoutAdded(view yaml.MapSlice) yaml.MapSlice {
	for _, item := range view {
		if rules, is := item.Value.([]any); is && item.Key == "rules" {
			for i, rule := range rules {
				if fields, is := rule.(yaml.MapSlice); is {
					rules[i] = slices.DeleteFunc(fields, func(field yaml.MapItem) bool { return field.Key == "severity" })
				}
			}
		}
	}
	return slices.DeleteFunc(view, func(item yaml.MapItem) bool { return item.Key == "keys" })
}

// sourceOf says in a few words where a view's rows come from.
func sourceOf(v *feature.View) string {
	var parts []string
	switch s := v.Source; {
	case s == nil:
	case s.Simulate != nil:
		parts = append(parts, "the simulated feed "+s.Simulate.Feed)
	case s.Postgres != nil:
		parts = append(parts, "a PostgreSQL database")
	default:
		parts = append(parts, s.FilesURI())
	}
	if v.Events {
		parts = append(parts, "posted events")
	}
	if v.SQL != nil {
		parts = append(parts, "SQL over "+strings.Join(v.SQL.From, ", "))
	}
	return strings.Join(parts, ", and ")
}
