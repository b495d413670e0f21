package image

import (
	"bytes"
	"debug/buildinfo"
	"maps"
	"path/filepath"
	"runtime/debug"
	"slices"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
)

// SBOMType is the artifact type under which a registry lists an image's bill of materials among its referrers.
const SBOMType = cycloneDX

const cycloneDX = "application/vnd.cyclonedx+json"

// bill lists what an image is made of, CycloneDX as JSON: its programs by their digests, the Go modules that these were built of, as the programs
// themselves say, and the shared libraries of the machine that packed them (by the names that programs ask for). It has no time and no serial
// number: the same image has the same bill.
func bill(name string, programs []string, libraries map[string]string) ([]byte, error) {
	components := map[string]cdx.Component{} // by reference
	for _, program := range programs {
		digest, _, err := file.Digest(program)
		if err != nil {
			return nil, fault.Wrap(fault.NotFound, err, "the program %s", program)
		}
		of := fileComponent(cdx.ComponentTypeApplication, filepath.Base(program), digest)
		if info, err := buildinfo.ReadFile(program); err == nil {
			of.Version = info.Main.Version
			of.Properties = &[]cdx.Property{{Name: "go:version", Value: info.GoVersion}}
			for _, module := range info.Deps {
				c := moduleComponent(module)
				components[c.BOMRef] = c
			}
		}
		components[of.BOMRef] = of
	}
	for library, path := range libraries {
		digest, _, err := file.Digest(path)
		if err != nil {
			return nil, fault.Wrap(fault.NotFound, err, "the library %s", path)
		}
		c := fileComponent(cdx.ComponentTypeLibrary, library, digest)
		components[c.BOMRef] = c
	}
	sorted := make([]cdx.Component, 0, len(components))
	for _, reference := range slices.Sorted(maps.Keys(components)) {
		sorted = append(sorted, components[reference])
	}
	list := cdx.NewBOM()
	list.Metadata = &cdx.Metadata{Component: &cdx.Component{BOMRef: name, Type: cdx.ComponentTypeContainer, Name: name}}
	list.Components = &sorted
	var out bytes.Buffer
	encoder := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false)
	if err := encoder.Encode(list); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the bill of materials of %s", name)
	}
	return out.Bytes(), nil
}

func fileComponent(kind cdx.ComponentType, name, digest string) cdx.Component {
	return cdx.Component{
		BOMRef: "file:" + name + "@" + digest, Type: kind, Name: name,
		Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: digest}},
	}
}

// moduleComponent is a Go module as it was built in: what replaced it, where something did.
func moduleComponent(module *debug.Module) cdx.Component {
	if module.Replace != nil {
		module = module.Replace
	}
	url := "pkg:golang/" + module.Path + "@" + module.Version
	c := cdx.Component{BOMRef: url, Type: cdx.ComponentTypeLibrary, Name: module.Path, Version: module.Version, PackageURL: url}
	if module.Sum != "" {
		c.Properties = &[]cdx.Property{{Name: "go:sum", Value: module.Sum}}
	}
	return c
}
