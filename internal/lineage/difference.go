package lineage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Difference is a value that two documents do not share, by its path, such as split.train or columns[3].max.
type Difference struct {
	Path string `json:"path"`
	A    string `json:"a"` // JSON; empty where it has none
	B    string `json:"b"`
}

// Differences are the values in which two JSON documents differ, in the order of their paths. What is no JSON is one value. Elements of a list that
// have a name are found by it, others by their place.
func Differences(a, b []byte) []Difference {
	first, second := flatten(a), flatten(b)
	paths := maps.Clone(first)
	maps.Copy(paths, second)
	differences := []Difference{}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		if first[path] != second[path] {
			differences = append(differences, Difference{path, first[path], second[path]})
		}
	}
	return differences
}

func flatten(data []byte) map[string]string {
	values := map[string]string{}
	var document any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber() // as it is written
	if decoder.Decode(&document) != nil {
		document = string(data)
	}
	walk(values, "", document)
	return values
}

func walk(values map[string]string, path string, value any) {
	switch value := value.(type) {
	case nil:
	case map[string]any:
		for key, of := range value {
			if path != "" {
				key = path + "." + key
			}
			walk(values, key, of)
		}
	case []any:
		for i, of := range value {
			place := fmt.Sprint(i)
			if named, is := of.(map[string]any); is {
				if name, is := named["name"].(string); is {
					place = name
				}
			}
			walk(values, path+"["+place+"]", of)
		}
	default:
		text, _ := json.Marshal(value) // a text, a number or a boolean
		values[path] = string(text)
	}
}
