package feature

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// LockFile is what a lock is called among the files of a pipeline's package.
const LockFile = "features.lock.json"

// Lock is what references came to at one time: the versions of all definitions that they need, with their digests. By it they come to the same for ever,
// whatever else is declared since. It holds nothing that only says to people what a definition is.
type Lock struct {
	Definitions []Locked `json:"definitions"`
}

// Locked is one version of a definition.
type Locked struct {
	Kind    Kind   `json:"kind"`
	Name    string `json:"name"`
	Version int    `json:"version"`
	// Meaning is the digest of what it means.
	Meaning string `json:"meaning"`
	// Meant says that its name meant this version.
	Meant    bool            `json:"meant,omitempty"`
	Document json.RawMessage `json:"document"`
}

// ID names the version.
func (l Locked) ID() string { return string(l.Kind) + " " + l.Name + "@" + strconv.Itoa(l.Version) }

// Lock is what references come to now. See Resolve for what is refused.
func (c *Catalogue) Lock(references []string) (Lock, error) {
	resolved, err := c.Resolve(references)
	if err != nil {
		return Lock{}, err
	}
	needed := map[string]*Version{}
	for _, text := range references {
		ref, err := readReference(text)
		if err != nil {
			return Lock{}, err
		}
		if v, err := c.find(ref, KindView, KindExpression, KindService); err == nil && v.Kind == KindService {
			needed[idOf(v)] = v
		}
	}
	for _, e := range resolved.Expressions {
		needed[idOf(e.Version)] = e.Version
	}
	for _, v := range resolved.Views {
		if err := c.needs(v, needed); err != nil {
			return Lock{}, err
		}
	}
	lock := Lock{Definitions: []Locked{}}
	for _, v := range needed {
		lock.Definitions = append(lock.Definitions, Locked{
			Kind: v.Kind, Name: v.Name, Version: v.Version, Meaning: v.Meaning, Meant: c.Active(v.Kind, v.Name) == v.Version, Document: v.undescribed(),
		})
	}
	slices.SortFunc(lock.Definitions, func(a, b Locked) int {
		if a.Kind != b.Kind {
			return slices.Index(Kinds, a.Kind) - slices.Index(Kinds, b.Kind)
		}
		if a.Name != b.Name {
			return strings.Compare(a.Name, b.Name)
		}
		return a.Version - b.Version
	})
	return lock, nil
}

func idOf(v *Version) string { return Locked{Kind: v.Kind, Name: v.Name, Version: v.Version}.ID() }

// needs adds a view, its entity, and the views whose rows it is made of.
func (c *Catalogue) needs(v *Version, needed map[string]*Version) error {
	if needed[idOf(v)] != nil {
		return nil
	}
	needed[idOf(v)] = v
	entity := c.meant(KindEntity, v.View.Entity)
	if entity == nil {
		return fault.New(fault.NotFound, "view %s@%d: there is no active entity %s", v.Name, v.Version, v.View.Entity)
	}
	needed[idOf(entity)] = entity
	if v.View.SQL == nil {
		return nil
	}
	for _, from := range v.View.SQL.From {
		of, err := c.View(from)
		if err == nil {
			err = c.needs(of, needed)
		}
		if err != nil {
			return fault.Wrap(fault.NotFound, err, "view %s@%d", v.Name, v.Version)
		}
	}
	return nil
}

// undescribed is a version's document without what only says to people what it is. Defaults and reasons stay: whoever serves uses them.
func (v *Version) undescribed() []byte {
	switch v.Kind {
	case KindEntity:
		bare := *v.Entity
		bare.About = About{}
		return documentOf(&bare)
	case KindView:
		bare := *v.View
		bare.About, bare.Freshness = About{}, 0
		bare.Features = slices.Clone(bare.Features)
		for i := range bare.Features {
			bare.Features[i].About = About{}
		}
		return documentOf(&bare)
	case KindExpression:
		bare := *v.Expression
		bare.About = About{}
		return documentOf(&bare)
	case KindService:
	}
	bare := *v.Service
	bare.About = About{}
	return documentOf(&bare)
}

// Encode writes the lock. The same definitions give the same bytes.
func (l Lock) Encode() ([]byte, error) {
	data, err := json.MarshalIndent(l, "", "  ")
	return append(data, '\n'), fault.Wrap(fault.Internal, err, "encoding a lock of features")
}

// DecodeLock reads what Encode wrote, and verifies it: every definition has the digest that stands beside it, and all that any of them needs is there. Anything else is
// fault.Invalid.
func DecodeLock(data []byte) (Lock, error) {
	var l Lock
	in := json.NewDecoder(bytes.NewReader(data))
	in.DisallowUnknownFields()
	if err := in.Decode(&l); err != nil {
		return l, fault.Wrap(fault.Invalid, err, "a lock of features")
	}
	c, err := l.Catalogue()
	if err != nil {
		return l, fault.New(fault.Invalid, "a lock of features: %s", err)
	}
	for _, locked := range l.Definitions {
		v := c.kinds[locked.Kind][locked.Name].of[locked.Version]
		if is := Meaning(v.definition()); is != locked.Meaning {
			return l, fault.New(fault.Invalid, "a lock of features: %s has the digest %.12s, and %.12s is locked", locked.ID(), is, locked.Meaning)
		}
		if locked.Kind != KindView {
			continue // what is missing of what they name, whoever resolves references finds: alone they may name other versions
		}
		if err := c.works(v); err != nil {
			return l, fault.New(fault.Invalid, "a lock of features: %s: %s", locked.ID(), err)
		}
	}
	return l, nil
}

// Catalogue is what is locked, to be looked up: references come to in it what they came to when they were locked.
func (l Lock) Catalogue() (*Catalogue, error) {
	seen := map[string]bool{}
	for _, of := range l.Definitions {
		if of.Version < 1 || seen[of.ID()] {
			return nil, fault.New(fault.Invalid, "%s is no version, or stands twice", of.ID())
		}
		seen[of.ID()] = true
	}
	return NewCatalogue(l.Rows())
}

// Rows are those of a register that has what is locked and nothing else.
func (l Lock) Rows() []Registered {
	rows := make([]Registered, len(l.Definitions))
	for i, of := range l.Definitions {
		rows[i] = Registered{Nth: int64(i + 1), Kind: of.Kind, Name: of.Name, Version: of.Version, Meaning: of.Meaning, Document: of.Document, Stage: Staged}
		if of.Meant {
			rows[i].Stage = Active
		}
	}
	return rows
}

// Holds says what is registered otherwise than it is locked, or not at all; nil where nothing is.
func (l Lock) Holds(c *Catalogue) error {
	var wrong []string
	for _, of := range l.Definitions {
		var is *Version
		if all := c.kinds[of.Kind][of.Name]; all != nil {
			is = all.of[of.Version]
		}
		switch {
		case is == nil:
			wrong = append(wrong, fmt.Sprintf("%s is not registered", of.ID()))
		case is.Meaning != of.Meaning:
			wrong = append(wrong, fmt.Sprintf("%s means something else in the feature store", of.ID()))
		case is.Stage == Retired:
			wrong = append(wrong, fmt.Sprintf("%s is retired", of.ID()))
		}
	}
	if len(wrong) > 0 {
		return fault.New(fault.Refused, "what the features of the spec came to is not what is registered: %s; test the commit again", strings.Join(wrong, ", "))
	}
	return nil
}

// Said names what is locked of a kind.
func (l Lock) Said(kind Kind) (said []string) {
	for _, of := range l.Definitions {
		if of.Kind == kind {
			said = append(said, fmt.Sprintf("%s %.12s", of.ID(), of.Meaning))
		}
	}
	return said
}
