package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// Memory is the step cache: a step that ran with the same inputs is not run again.
type Memory struct {
	Registry registry.Registry
	Objects  Objects
}

// Step versions, raised when the same inputs mean another result. TrainModel's is logit.Version.
const (
	extractVersion  = "1"
	validateVersion = "1"
	profileVersion  = "1"
	splitVersion    = "1"
	evaluateVersion = "1"
)

// remember returns the result of work for a step, its version and its inputs, from the cache when it is there and every
// object that it names still exists. hit says that work was not done.
func remember[Out any](ctx context.Context, m Memory, name, version string, inputs any, refs func(Out) []artifact.Ref, work func() (Out, error)) (out Out, hit bool, err error) {
	key, err := stepKey(name, version, inputs)
	if err != nil {
		return out, false, err
	}
	if out, hit, err = recall(ctx, m, key, refs); hit || err != nil {
		return out, hit, err
	}
	if out, err = work(); err != nil {
		return out, false, err
	}
	result, err := json.Marshal(out)
	if err != nil {
		return out, false, fault.Wrap(fault.Internal, err, "encoding the result of %s", name)
	}
	return out, false, m.Registry.PutCachedStep(ctx, registry.CachedStep{Key: key, Step: name, Result: result})
}

// recall looks a result up. A result of a shape that is not understood any more, or whose objects are gone, is no hit.
func recall[Out any](ctx context.Context, m Memory, key string, refs func(Out) []artifact.Ref) (out Out, hit bool, err error) {
	cached, err := m.Registry.CachedStep(ctx, key)
	if fault.CodeOf(err) == fault.NotFound {
		return out, false, nil
	}
	if err != nil {
		return out, false, err
	}
	var found Out
	if json.Unmarshal(cached.Result, &found) != nil {
		return out, false, nil //nolint:nilerr // a record of another form is no hit: the step runs again
	}
	for _, ref := range refs(found) {
		exists, err := m.Objects.Exists(ctx, ref)
		if err != nil || !exists {
			return out, false, err
		}
	}
	return found, true, nil
}

// stepKey is the SHA-256 of a step's name, its version and its inputs as JSON (struct fields in order, map keys sorted).
func stepKey(name, version string, inputs any) (string, error) {
	data, err := json.Marshal([]any{name, version, inputs})
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "hashing the inputs of %s", name)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}
