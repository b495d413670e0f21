package cli

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/approval"
	"github.com/loanops/loanops/internal/fault"
)

// The environment of an operator's own machine.
const (
	operatorVariable = "LOANOPS_OPERATOR"
	keyVariable      = "LOANOPS_OPERATOR_KEY_FILE"
)

// signer is who signs, as the flags and the environment say.
type signer struct{ name, file string }

func (s *signer) flags(c *cobra.Command) {
	c.Flags().StringVar(&s.name, "as", "", "sign as that `operator` (LOANOPS_OPERATOR)")
	c.Flags().StringVar(&s.file, "key", "", "`file` of the signer's private key (LOANOPS_OPERATOR_KEY_FILE;\ndefault: NAME.key in loanops of the user's configuration)")
}

// resolve fills in what no flag says; the key's file of the environment is that of the operator of the environment.
func (s *signer) resolve() error {
	byName := os.Getenv(operatorVariable)
	if s.name == "" {
		s.name = byName
	}
	if s.name == "" {
		if s.file != "" {
			return fault.New(fault.Invalid, "--key without --as: whose key is it?")
		}
		return nil
	}
	if err := approval.CheckName(s.name); err != nil {
		return err
	}
	if s.file == "" && (byName == "" || byName == s.name) {
		s.file = os.Getenv(keyVariable)
	}
	if s.file != "" {
		return nil
	}
	var err error
	s.file, err = keyFile(s.name)
	return err
}

// signs reports whether anybody does.
func (s *signer) signs() bool { return s.name != "" }

// sign signs a statement now.
func (s *signer) sign(statement approval.Statement) (*approval.Signed, error) {
	key, err := readKey(s.file)
	if err != nil {
		return nil, err
	}
	statement.By, statement.At = s.name, time.Now()
	signed, err := approval.Sign(statement, key)
	return &signed, err
}

// start signs the start of a run.
func (s *signer) start(workflowID, model, input string) (*approval.Signed, error) {
	return s.sign(approval.Statement{Kind: approval.Start, Subject: approval.Subject{WorkflowID: workflowID, Model: model}, Input: input})
}

// keyFile is where an operator's private key is when nothing else is said: with the user, not with any platform.
func keyFile(name string) (string, error) {
	folder, err := os.UserConfigDir()
	if err != nil {
		return "", fault.New(fault.Invalid, "no folder of the user's configuration is known; say where the key is with --key FILE")
	}
	return filepath.Join(folder, "loanops", name+".key"), nil
}

// readKey reads a private key that nobody else may read.
func readKey(file string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fault.New(fault.NotFound, "%s: there is no private key that can be read; `loanops operators keygen NAME` makes one", file)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fault.New(fault.Invalid, "%s: others than its owner may use it (mode %04o); chmod 600 is wanted, and another key where others did", file, info.Mode().Perm())
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.New(fault.NotFound, "%s: the private key cannot be read", file)
	}
	key, err := approval.DecodePrivateKey(data)
	return key, fault.Wrap(fault.Invalid, err, "%s", file)
}

// publicFile is beside the private key's.
func publicFile(file string) string { return strings.TrimSuffix(file, ".key") + ".pub" }

// newKey makes a key pair and writes both halves; a file that is there is never written over.
func newKey(file string) (ed25519.PublicKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fault.New(fault.Internal, "making a key")
	}
	secret, err := approval.EncodePrivateKey(private)
	if err != nil {
		return nil, err
	}
	open, err := approval.EncodePublicKey(public)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fault.New(fault.Invalid, "%s: the folder cannot be made", filepath.Dir(file))
	}
	if err := writeNew(file, secret, 0o600); err != nil {
		return nil, err
	}
	if err := writeNew(publicFile(file), open, 0o644); err != nil {
		os.Remove(file) // of this call, and used by nobody
		return nil, err
	}
	return public, nil
}

func writeNew(file string, data []byte, mode os.FileMode) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return fault.New(fault.Refused, "%s is there already, and a key is never written over", file)
	}
	if err != nil {
		return fault.New(fault.Invalid, "%s cannot be written", file)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(file)
		return fault.New(fault.Unavailable, "%s could not be written", file)
	}
	return nil
}

// readPublic reads a public key that somebody sent.
func readPublic(file string) (ed25519.PublicKey, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.New(fault.NotFound, "%s: there is no such file that can be read", file)
	}
	key, err := approval.DecodePublicKey(data)
	return key, fault.Wrap(fault.Invalid, err, "%s", file)
}
