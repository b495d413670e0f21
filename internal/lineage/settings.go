package lineage

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Settings are hyperparameters in words: those that are one value each, by name. Others, such as the trials, are in the JSON. What is no JSON object is told
// as it is.
func Settings(hyperparameters json.RawMessage) string {
	var all map[string]any
	if json.Unmarshal(hyperparameters, &all) != nil {
		return string(hyperparameters)
	}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		switch all[name].(type) {
		case map[string]any, []any:
		default:
			words = append(words, fmt.Sprintf("%s %v", name, all[name]))
		}
	}
	return strings.Join(words, ", ")
}
