package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"ostler/internal/env"
)

// maxFile bounds configuration files; real ones have a few KiB.
const maxFile = 1 << 20

// A Loader says where settings come from.
type Loader struct {
	FS env.FS
	// Props are system properties (-Dname=value); the file wins over them.
	Props map[string]string
	// Override are settings by key or property that win over the file.
	Override map[string]string
	// Strict makes unknown names errors, as config.strict=true does.
	Strict bool
	// Shadow reads the file for a server that is in no list, see useShadow.
	Shadow bool
}

// Load reads a zoo.cfg. The warnings are for the operator's log. Errors are of
// type *Error.
func Load(path string, props map[string]string, fsys env.FS) (*Config, []string, error) {
	return Loader{FS: fsys, Props: props}.Load(path)
}

// Load reads the zoo.cfg at path.
func (l Loader) Load(path string) (*Config, []string, error) {
	what := "Error processing " + path // ZooKeeper's text
	text, err := l.read(path)
	if err != nil {
		return nil, nil, asInvalid(what, err)
	}
	b := newBuilder(l)
	b.file, b.cfg.File = path, path
	if err := b.build(text, nil); err != nil {
		return nil, b.warnings, asInvalid(what, err)
	}
	return b.cfg, b.warnings, nil
}

func (l Loader) read(path string) ([]byte, error) {
	text, err := env.ReadFile(l.FS, path, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s file is missing", path)
	}
	return text, err
}

// A value is what was given for one setting, and where.
type value struct {
	setting *Setting
	name    string // canonical
	text    string
	origin  string
}

// A builder gathers one Config.
type builder struct {
	loader   Loader
	cfg      *Config
	file     string
	strict   bool
	warnings []string
	values   map[string]value // by canonical name
	unknown  []string         // what strict refuses
	members  []Property       // server, group and weight lines of zoo.cfg

	// Values that need each other before they mean something.
	clientPort  int
	clientHost  string
	tick        int
	minSession  int
	maxSession  int
	peerType    string
	dynamicFile string
	wordsSet    bool // 4lw.commands.whitelist is
	access      access
}

func newBuilder(l Loader) *builder {
	return &builder{
		loader: l, cfg: Defaults(), strict: l.Strict, values: map[string]value{},
		clientPort: -1, tick: 3000, minSession: -1, maxSession: -1,
	}
}

func (b *builder) warn(format string, args ...any) {
	b.warnings = append(b.warnings, fmt.Sprintf(format, args...))
}

// fallBack warns that a value is unreadable and leaves the default.
func (b *builder) fallBack(name, v, def string) error {
	if b.strict {
		return fmt.Errorf("%s=%s is not a number", name, v)
	}
	b.warn("%s=%s is not a number; using the default, %s", name, v, def)
	return nil
}

// build goes from text to a checked Config in ZooKeeper's order (operations.md 1.10).
// more adds what does not come from a text; it may be nil.
func (b *builder) build(text []byte, more func() error) error {
	if err := b.gather(text); err != nil {
		return err
	}
	if err := b.apply(); err != nil {
		return err
	}
	if more != nil {
		if err := more(); err != nil {
			return err
		}
	}
	return b.finish()
}

// gather collects values from all origins, the strongest last.
func (b *builder) gather(text []byte) error {
	b.gatherMap(b.loader.Props, "-D")
	properties, err := ParseProperties(text)
	if err != nil {
		return err
	}
	for _, p := range properties {
		b.gatherLine(p)
	}
	b.gatherMap(b.loader.Override, "--set ")
	return nil
}

func (b *builder) gatherMap(given map[string]string, origin string) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		v := given[name]
		b.cfg.Properties[name] = v
		s, canonical := find(name)
		switch {
		case s == nil && (strings.HasPrefix(name, prefix) || origin != "-D"):
			b.noteUnknown(strings.TrimPrefix(name, prefix), "as "+origin+name)
		case s != nil && !isMember(canonical): // members come from files only
			b.noteAlias(name, canonical)
			b.values[canonical] = value{s, canonical, trim(v), origin + name}
		}
	}
}

// gatherLine takes one line of zoo.cfg.
func (b *builder) gatherLine(p Property) {
	name, v := trim(p.Key), trim(p.Value)
	s, canonical := find(name)
	if s == nil {
		b.cfg.Properties[prefix+name] = v
		b.noteUnknown(name, fmt.Sprintf("in %s (line %d)", b.file, p.Line))
		return
	}
	if isMember(canonical) {
		b.members = append(b.members, Property{Key: canonical, Value: v, Line: p.Line})
		return
	}
	b.noteAlias(name, canonical)
	b.cfg.Properties[propertyOf(s, canonical)] = v
	b.values[canonical] = value{s, canonical, v, fmt.Sprintf("line %d", p.Line)}
}

// propertyOf is the system property that a key of the file sets.
func propertyOf(s *Setting, canonical string) string {
	if s.Property != "" && !strings.HasSuffix(s.Property, anyName) {
		return s.Property
	}
	return prefix + canonical
}

func (b *builder) noteAlias(name, canonical string) {
	if short := strings.TrimPrefix(name, prefix); short != canonical && aliases[short] != "" {
		b.warn("setting %q is called %q", name, canonical)
	}
}

// noteUnknown warns about a name that nobody reads (decisions.md 12).
func (b *builder) noteUnknown(name, where string) {
	msg := fmt.Sprintf("unknown setting %q %s", name, where)
	if like := nearest(name); like != "" {
		msg += fmt.Sprintf("; did you mean %q?", like)
	}
	b.unknown = append(b.unknown, msg)
}

// apply runs the setters in the order of the table, so that of several wrong
// values always the same one is reported.
func (b *builder) apply() error {
	if v, ok := b.values[strictSetting]; ok {
		if err := b.set(v); err != nil {
			return err
		}
	}
	if b.strict && len(b.unknown) > 0 {
		return errors.New(strings.Join(b.unknown, "\n"))
	}
	b.warnings = append(b.warnings, b.unknown...)
	for _, v := range b.inTableOrder() {
		if err := b.set(v); err != nil {
			return err
		}
	}
	b.nameIdle(Accepted, "these settings are details of the Java server and have no effect: ")
	b.nameIdle(Later, "these settings have no effect in this version: ")
	return nil
}

func (b *builder) set(v value) error {
	if v.setting.set == nil {
		return nil
	}
	if err := v.setting.set(b, v.text); err != nil {
		return fmt.Errorf("%s (%s): %w", v.name, v.origin, err)
	}
	return nil
}

func (b *builder) inTableOrder() []value {
	rank := make(map[*Setting]int, len(table))
	for i := range table {
		rank[&table[i]] = i
	}
	list := slices.Collect(maps.Values(b.values))
	slices.SortFunc(list, func(x, y value) int {
		return cmp.Or(cmp.Compare(rank[x.setting], rank[y.setting]), strings.Compare(x.name, y.name))
	})
	return list
}

// nameIdle names all settings that do nothing in one warning.
func (b *builder) nameIdle(kind Support, text string) {
	var names []string
	for _, v := range b.inTableOrder() {
		if v.setting.Support == kind {
			names = append(names, v.name)
		}
	}
	if len(names) > 0 {
		b.warn("%s%s", text, strings.Join(names, ", "))
	}
}
