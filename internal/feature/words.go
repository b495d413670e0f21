package feature

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// How much is said of a change.
const (
	maxDifferences = 20
	maxWords       = 60
)

// differences are the fields of two documents that differ, as "features[bureau_score].max 850 -> 900". Definitions and features in lists are known by
// their names.
func differences(before, after []byte) []string {
	was, is := fields(before), fields(after)
	var words []string
	for _, path := range slices.Sorted(maps.Keys(union(was, is))) {
		old, had := was[path]
		now, has := is[path]
		switch {
		case old == now && had == has:
		case !had:
			words = append(words, fmt.Sprintf("%s is new: %s", path, short(now)))
		case !has:
			words = append(words, fmt.Sprintf("%s is gone: %s", path, short(old)))
		default:
			words = append(words, fmt.Sprintf("%s %s -> %s", path, short(old), short(now)))
		}
	}
	if len(words) > maxDifferences {
		words = append(words[:maxDifferences:maxDifferences], fmt.Sprintf("and %d more", len(words)-maxDifferences))
	}
	return words
}

func union(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// short is a text of one line for people.
func short(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxWords {
		return string(runes[:maxWords]) + "…"
	}
	return text
}

// fields are the values of a document by their paths. Texts stand without quotes; lists of single values are one value.
func fields(document []byte) map[string]string {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	found := map[string]string{}
	if err := decoder.Decode(&value); err == nil {
		flatten("", value, found)
	}
	return found
}

func flatten(path string, value any, into map[string]string) {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			flatten(strings.TrimPrefix(path+"."+key, "."), inner, into)
		}
	case []any:
		if !slices.ContainsFunc(value, structured) {
			items := make([]string, len(value))
			for i, item := range value {
				items[i] = fmt.Sprint(item)
			}
			into[path] = "[" + strings.Join(items, ", ") + "]"
			return
		}
		for i, inner := range value {
			name := fmt.Sprint(i)
			if named, is := inner.(map[string]any); is && named["name"] != nil {
				name = fmt.Sprint(named["name"])
			}
			flatten(fmt.Sprintf("%s[%s]", path, name), inner, into)
		}
	default:
		into[path] = fmt.Sprint(value)
	}
}

func structured(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}
