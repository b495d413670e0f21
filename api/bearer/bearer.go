// Package bearer knows who asks by the key that a request bears.
package bearer

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// Caller is who has a key, with what the file of keys says of it. The file holds the hash of the key only.
type Caller[T any] struct {
	Name string
	Says T
	hash []byte
}

// Callers are those of a file, in the order of their names.
type Callers[T any] []Caller[T]

// Read reads a file of keys: {"name": {"sha256": "hex of the key's SHA-256", …}}. Wanted shows people such a file.
func Read[T any](path, wanted string) (Callers[T], error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "--keys-file")
	}
	var keys map[string]struct {
		SHA256 string `json:"sha256"`
	}
	var says map[string]T
	if err = json.Unmarshal(data, &keys); err == nil {
		err = json.Unmarshal(data, &says)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "%s: %s is wanted", path, wanted)
	}
	var callers Callers[T]
	for name, key := range keys {
		if name == "" {
			return nil, fault.New(fault.Invalid, "%s: a key has no name; %s is wanted", path, wanted)
		}
		hash, err := hex.DecodeString(key.SHA256)
		if err != nil || len(hash) != sha256.Size {
			return nil, fault.New(fault.Invalid, "%s: sha256 of %q is not a SHA-256 in hexadecimal", path, name)
		}
		callers = append(callers, Caller[T]{name, says[name], hash})
	}
	slices.SortFunc(callers, func(a, b Caller[T]) int { return strings.Compare(a.Name, b.Name) })
	return callers, nil
}

// Of is whose key an Authorization header has; nil where it is nobody's. Every hash is compared, in constant time.
func (all Callers[T]) Of(header string) (found *Caller[T]) {
	key, ok := strings.CutPrefix(header, "Bearer ")
	if !ok {
		return nil
	}
	hash := sha256.Sum256([]byte(key))
	for i := range all {
		if subtle.ConstantTimeCompare(all[i].hash, hash[:]) == 1 {
			found = &all[i]
		}
	}
	return found
}
