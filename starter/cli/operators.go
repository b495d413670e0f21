package cli

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/approval"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// withLedger does something with what operators signed.
func (a *app) withLedger(ctx context.Context, work func(registry.Registry, approval.Ledger) error) error {
	reg, err := a.ledger(ctx)
	if err != nil {
		return err
	}
	defer reg.Close()
	ledger, err := reg.Ledger(ctx)
	if err != nil {
		return err
	}
	return work(reg, ledger)
}

// shownOperator is an operator with what people compare of the key.
type shownOperator struct {
	approval.Operator
	Fingerprint string `json:"fingerprint"`
}

func (a *app) operatorsListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List operators, in the order in which they were added, after verifying every signature", Args: between(0, 0),
		Example: "  loanops operators list",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withLedger(c.Context(), func(_ registry.Registry, l approval.Ledger) error {
				shown := struct {
					Operators []shownOperator `json:"operators"`
					Records   int             `json:"records"`
					Head      string          `json:"head"`
				}{[]shownOperator{}, len(l.Entries()), l.Head()}
				rows := [][]string{{"OPERATOR", "FINGERPRINT", "ADDED", "BY", "REVOKED"}}
				for _, o := range l.Operators() {
					shown.Operators = append(shown.Operators, shownOperator{o, o.Fingerprint()})
					revoked := ""
					if o.Revoked != nil {
						revoked = fmt.Sprintf("%s by %s: %s", o.Revoked.At.Format(timeLayout), o.Revoked.By, o.Revoked.Reason)
					}
					rows = append(rows, []string{o.Name, o.Fingerprint(), o.AddedAt.Format(timeLayout), o.AddedBy, revoked})
				}
				return a.print(shown, func() {
					a.table(rows)
					fmt.Fprintf(a.out, "\n%d signed records verified, head %s\n", shown.Records, shown.Head)
				})
			})
		},
	}
}

func (a *app) operatorsKeygenCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "keygen NAME", Short: "Make a key pair, for an operator to add its public half", Args: between(1, 1),
		Long: `Make a key pair: NAME.key for you alone, and NAME.pub for an operator to add.

Needs no platform. Tell whoever adds you the fingerprint by another way than the file.`,
		Example: "  loanops operators keygen grace",
		RunE: func(_ *cobra.Command, args []string) error {
			if err := approval.CheckName(args[0]); err != nil {
				return err
			}
			if err := orDefault(&file, args[0]); err != nil {
				return err
			}
			public, err := newKey(file)
			if err != nil {
				return err
			}
			made := map[string]string{"name": args[0], "key_file": file, "public_file": publicFile(file), "fingerprint": approval.Fingerprint(public)}
			return a.print(made, func() {
				fmt.Fprintf(a.out, "%s is for you alone; give %s to an operator: loanops operators add %s --public FILE\nfingerprint %s\n",
					file, publicFile(file), args[0], made["fingerprint"])
			})
		},
	}
	c.Flags().StringVar(&file, "key", "", "`file` to write (default: NAME.key in loanops of the user's configuration)")
	return c
}

// orDefault is where the key of that name is when no file is named.
func orDefault(file *string, name string) (err error) {
	if *file == "" {
		*file, err = keyFile(name)
	}
	return err
}

func (a *app) operatorsAddCommand() *cobra.Command {
	var by signer
	var public, made string
	c := &cobra.Command{
		Use: "add NAME", Short: "Add an operator: by their public key, or with a new key pair", Args: between(1, 1),
		Long: `Add an operator. The first one signs for themselves, with the key that --key names or that is
made there. Every other one is added by an operator: with --public by the key that they made, so
that nobody else ever has it; without it with the key at --new-key, which is made where it is
missing. The same again, such as after a fault, adds nobody twice.`,
		Example: "  loanops operators add ada\n  loanops operators add grace --public grace.pub --as ada",
		RunE: func(c *cobra.Command, args []string) error {
			if err := approval.CheckName(args[0]); err != nil {
				return err
			}
			return a.withLedger(c.Context(), func(reg registry.Registry, l approval.Ledger) error {
				return a.addOperator(c.Context(), reg, l, args[0], &by, public, made)
			})
		},
	}
	by.flags(c)
	c.Flags().StringVar(&public, "public", "", "`file` of the operator's public key")
	c.Flags().StringVar(&made, "new-key", "", "`file` of the operator's private key, made where it is missing\n(default: NAME.key in loanops of the user's configuration)")
	return c
}

// addOperator adds who is not there with that key already. A key pair that was made for it is removed only where it is certain that nothing was recorded:
// a name and a key that are recorded are taken for ever.
func (a *app) addOperator(ctx context.Context, reg registry.Registry, l approval.Ledger, name string, by *signer, public, made string) error {
	operators := l.Operators()
	themselves := len(operators) == 0 || public == "" && made == "" && operators[0].Name == name
	if themselves && by.name == "" {
		by.name = name
	}
	if err := by.resolve(); err != nil {
		return err
	}
	if !by.signs() {
		return fault.New(fault.Invalid, "there are operators already: one of them signs, see --as")
	}
	if themselves && by.name == name {
		if public != "" || made != "" {
			return fault.New(fault.Invalid, "the first operator signs for themselves: --key names the private key, and no other file is wanted")
		}
		made = by.file
	}
	key, undo, err := a.keyToAdd(public, made, name)
	if err != nil {
		return err
	}
	for _, o := range operators {
		if o.Name == name && o.PublicKey == approval.KeyText(key) && o.Revoked == nil {
			return a.printAdded(o)
		}
	}
	signed, err := by.sign(approval.Statement{Kind: approval.Add, Operator: name, PublicKey: approval.KeyText(key)})
	if err != nil {
		undo()
		return err
	}
	entry, err := reg.RecordSigned(ctx, *signed, "")
	if code := fault.CodeOf(err); err != nil && (code == fault.Refused || code == fault.Invalid) {
		undo()
		return err
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "whether %s was added is not known; the same command again finds out, with the same key", name)
	}
	return a.printAdded(approval.Operator{Name: name, PublicKey: entry.PublicKey, AddedBy: entry.By, AddedAt: entry.RecordedAt})
}

func (a *app) printAdded(o approval.Operator) error {
	added := shownOperator{o, o.Fingerprint()}
	return a.print(added, func() {
		fmt.Fprintf(a.out, "%s is an operator, added by %s\nfingerprint %s\n", o.Name, o.AddedBy, added.Fingerprint)
	})
}

// keyToAdd is the public key of who is added: the given one, that of the private key that is there, or that of a new pair, whose files undo removes.
func (a *app) keyToAdd(public, made, name string) (key ed25519.PublicKey, undo func(), err error) {
	undo = func() {}
	if public != "" {
		if made != "" {
			return nil, undo, fault.New(fault.Invalid, "--public and --new-key; give one of them")
		}
		key, err = readPublic(public)
		return key, undo, err
	}
	if err := orDefault(&made, name); err != nil {
		return nil, undo, err
	}
	if _, statErr := os.Stat(made); statErr == nil {
		private, err := readKey(made)
		if err != nil {
			return nil, undo, err
		}
		key, _ = private.Public().(ed25519.PublicKey)
		return key, undo, nil
	}
	if key, err = newKey(made); err != nil {
		return nil, undo, err
	}
	a.say("wrote the private key %s, and %s", made, publicFile(made))
	return key, func() { os.Remove(made); os.Remove(publicFile(made)) }, nil
}

func (a *app) operatorsRevokeCommand() *cobra.Command {
	var by signer
	var reason string
	c := &cobra.Command{
		Use: "revoke NAME", Short: "End what an operator may sign; what was signed before stays good", Args: between(1, 1),
		Example: "  loanops operators revoke grace --reason \"left the bank\" --as ada",
		RunE: func(c *cobra.Command, args []string) error {
			if err := by.resolve(); err != nil {
				return err
			}
			if !by.signs() {
				return fault.New(fault.Invalid, "an operator signs the revocation, see --as")
			}
			return a.withLedger(c.Context(), func(reg registry.Registry, _ approval.Ledger) error {
				signed, err := by.sign(approval.Statement{Kind: approval.Revoke, Operator: args[0], Reason: reason})
				if err != nil {
					return err
				}
				entry, err := reg.RecordSigned(c.Context(), *signed, "")
				if err != nil {
					return err
				}
				return a.print(entry, func() { fmt.Fprintf(a.out, "%s is no operator any more: %s\n", args[0], reason) })
			})
		},
	}
	by.flags(c)
	c.Flags().StringVar(&reason, "reason", "", "why, for the record")
	_ = c.MarkFlagRequired("reason")
	return c
}
