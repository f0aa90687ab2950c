package image

import (
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"net/url"
)

// bill is a list of what is in an image, in CycloneDX's JSON.
type bill struct {
	Format      string      `json:"bomFormat"`
	SpecVersion string      `json:"specVersion"`
	Version     int         `json:"version"`
	Metadata    metadata    `json:"metadata"`
	Components  []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	URL     string `json:"purl,omitempty"`
	Ref     string `json:"bom-ref,omitempty"`
}

func newBill(name, version string) *bill {
	return &bill{
		Format: "CycloneDX", SpecVersion: "1.6", Version: 1,
		Metadata:   metadata{Component: component{Type: "container", Name: name, Version: version}},
		Components: []component{},
	}
}

func (b *bill) add(kind, name, version, purl string) {
	b.Components = append(b.Components, component{Type: kind, Name: name, Version: version, URL: purl, Ref: purl})
}

func (b *bill) addPackages(packages []debianPackage) {
	for _, p := range packages {
		b.add("library", p.Name, p.Version, fmt.Sprintf("pkg:deb/debian/%s@%s?arch=%s", p.Name, url.QueryEscape(p.Version), p.Arch))
	}
}

// addProgram adds the Go modules of a binary, and Go itself.
func (b *bill) addProgram(file string) error {
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the modules of %s: %w", file, err)
	}
	b.add("library", "stdlib", info.GoVersion, "pkg:golang/stdlib@"+info.GoVersion)
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		b.add("library", m.Path, m.Version, "pkg:golang/"+m.Path+"@"+m.Version)
	}
	return nil
}

// text is the bill without what is named twice, as JSON.
func (b *bill) text() ([]byte, error) {
	seen, once := map[component]bool{}, []component{}
	for _, c := range b.Components {
		if !seen[c] {
			seen[c], once = true, append(once, c)
		}
	}
	b.Components = once
	return json.MarshalIndent(b, "", "  ")
}
