package config

import (
	"fmt"
	"strings"
)

// Reference is the table of settings as a page of docs.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, s := range table {
		def := s.Default
		if def == "" {
			def = "-"
		}
		property := s.Property
		switch property {
		case "":
			property = "-"
		case prefix + s.Name:
			property = prefix + "…"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", s.Name, property, s.Type, def, s.Support, s.Text)
	}
	b.WriteString(referenceAliases)
	for _, a := range sortedAliases() {
		fmt.Fprintf(&b, "| `%s` | `%s` |\n", a, aliases[a])
	}
	return b.String()
}

const referenceHead = `# Settings

Written by ` + "`go test ./internal/config -run Reference -update`" + ` from the table in ` + "`internal/config`" + `; do not edit.

A setting is a line of ` + "`zoo.cfg`" + `, ` + "`-Dproperty=value`" + ` on the command line, or ` + "`--set name=value`" + `; of these the file wins over
` + "`-D`" + `, and ` + "`--set`" + ` over both. A name that ends in ` + "`*`" + ` is a family. In the column of properties, ` + "`zookeeper.…`" + ` is that prefix and the name.

- **honoured**: ZooKeeper's meaning and default, unless the text says otherwise
- **no effect**: a detail of the Java server; one line at start names all that are set
- **not yet**: does nothing in this version; one line at start names all that are set
- **refused**: the server does not start, because doing nothing would make it less safe than its configuration says

| name | property | type | default | support | meaning |
| --- | --- | --- | --- | --- | --- |
`

const referenceAliases = `
## Names from documentation

ZooKeeper's guide has names that its server does not read. Here they work, with a warning.

| name | the same as |
| --- | --- |
`
