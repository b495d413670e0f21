package platform

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/port"
	"github.com/loanops/loanops/internal/sha256hex"
)

// institutions are the demo institutions: one of each type.
var institutions = map[string]string{
	"north-bank": "bank", "harbour-credit-union": "credit_union", "valley-savings": "savings_and_loan", "summit-capital": "investment_bank",
	"lake-investments": "investment_company", "river-brokerage": "brokerage", "shield-insurance": "insurance_company", "homestead-mortgage": "mortgage_company",
}

// write replaces a file at once, readable by its owner only.
func write(path string, data []byte) error { return file.Write(path, data, 0o600) }

func writeJSON(path string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return write(path, append(data, '\n'))
}

// secret returns the secret in the file, made once.
func secret(path string) (string, error) {
	if data, err := os.ReadFile(path); err == nil && len(data) > 0 {
		return strings.TrimSpace(string(data)), nil
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	text := rand.Text()
	return text, write(path, []byte(text+"\n"))
}

// keys makes the institutions' API keys once: keys.json for the demo's callers, gateway-keys.json with hashes for the gateway.
func (p *Platform) keys() error {
	synthetic, err := secret(p.path("secrets", "synthetic.key"))
	if err != nil {
		return err
	}
	plain := map[string]string{}
	if data, err := os.ReadFile(p.path("keys.json")); err == nil {
		if err := json.Unmarshal(data, &plain); err != nil {
			return fault.Wrap(fault.Invalid, err, "%s", p.path("keys.json"))
		}
	}
	type entry struct {
		SHA256 string `json:"sha256"`
		Type   string `json:"type"`
	}
	hashed := map[string]entry{"synthetic": {sha256hex.Of([]byte(synthetic)), ""}}
	for name, kind := range institutions {
		if plain[name] == "" {
			plain[name] = rand.Text()
		}
		hashed[name] = entry{sha256hex.Of([]byte(plain[name])), kind}
	}
	return errors.Join(writeJSON(p.path("keys.json"), plain), writeJSON(p.path("gateway-keys.json"), hashed))
}

// featuresKeys makes the feature store's keys once: features-keys.json for its callers, features-server-keys.json with hashes for itself.
func (p *Platform) featuresKeys() error {
	plain := map[string]string{}
	if data, err := os.ReadFile(p.path("features-keys.json")); err == nil {
		if err := json.Unmarshal(data, &plain); err != nil {
			return fault.Wrap(fault.Invalid, err, "%s", p.path("features-keys.json"))
		}
	}
	type entry struct {
		SHA256 string   `json:"sha256"`
		Rights []string `json:"rights"`
	}
	hashed := map[string]entry{}
	for name, rights := range map[string][]string{"reader": {"read"}, "writer": {"read", "write"}} {
		if plain[name] == "" {
			plain[name] = rand.Text()
		}
		hashed[name] = entry{sha256hex.Of([]byte(plain[name])), rights}
	}
	return errors.Join(writeJSON(p.path("features-keys.json"), plain), writeJSON(p.path("features-server-keys.json"), hashed),
		file.Write(p.path("secrets", "features.key"), []byte(plain["reader"]), 0o600))
}

// ports gives every service the port that it had before, so that addresses survive a restart, unless somebody took it.
func (p *Platform) ports(names ...string) (map[string]int, error) {
	kept := map[string]int{}
	if data, err := os.ReadFile(p.path("ports.json")); err == nil {
		_ = json.Unmarshal(data, &kept) // a damaged file only means new ports
	}
	wanted := make([]int, len(names))
	for i, name := range names {
		wanted[i] = kept[name]
	}
	ports, err := port.Choose(wanted...)
	if err != nil {
		return nil, err
	}
	chosen := map[string]int{}
	for i, name := range names {
		chosen[name] = ports[i]
	}
	return chosen, writeJSON(p.path("ports.json"), chosen)
}

// checkVersion refuses a state folder that another LoanOps made, and says in a new one which made it.
func (p *Platform) checkVersion() error {
	path, ours := p.path("state_version"), strconv.Itoa(stateVersion)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(p.path("loanops.db")); errors.Is(err, os.ErrNotExist) {
			return write(path, []byte(ours+"\n"))
		}
		data, err = []byte("earlier"), nil
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "state folder")
	}
	if theirs := strings.TrimSpace(string(data)); theirs != ours {
		return fault.New(fault.Conflict, "the state folder %s is of another LoanOps (its state_version is %s, this program's %s): use the program that made it, or choose another folder with --state", p.dir, theirs, ours)
	}
	return nil
}

// lock takes the state folder for this process.
func lock(dir string) (*flock.Flock, error) {
	held := flock.New(filepath.Join(dir, "lock"))
	free, err := held.TryLock()
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the state folder's lock")
	}
	if !free {
		return nil, fault.New(fault.Conflict, "another `loanops up` runs on %s; stop it, or choose another folder with --state", dir)
	}
	return held, nil
}
