package registry

// Code is the program that did something, as its build information says. It is lineage and nothing else: no result depends on it, and no step's key
// holds it.
type Code struct {
	Version  string `json:"version"`  // of the module; (devel) where it was built from a working tree
	Revision string `json:"revision"` // the commit; empty where it was built without version control
	Modified bool   `json:"modified"` // the working tree was not as the commit says
	Go       string `json:"go"`       // the Go release, such as go1.26.8
}

// String is the beginning of the commit, marked where the working tree had changes, else the module's version.
func (c Code) String() string {
	switch {
	case c.Revision == "":
		return c.Version
	case c.Modified:
		return c.Revision[:min(12, len(c.Revision))] + " with changes"
	}
	return c.Revision[:min(12, len(c.Revision))]
}
