package jaas

import (
	"fmt"
	"strings"
)

// A File is a login configuration.
type File struct {
	Name     string
	Sections []Section
}

// A Section is what one role logs in with.
type Section struct {
	Name    string
	Line    int
	Modules []Module
}

// A Module is one way to log in.
type Module struct {
	Class   string
	Line    int
	Flag    string // required, requisite, sufficient or optional
	Options []Option
}

// An Option is one setting of a module.
type Option struct {
	Name, Value string
	Line        int
}

// Section returns the section called name.
func (f *File) Section(name string) (*Section, bool) {
	for i := range f.Sections {
		if f.Sections[i].Name == name {
			return &f.Sections[i], true
		}
	}
	return nil, false
}

// Parse reads the text of the file called name, which is for errors only.
func Parse(name string, text []byte) (*File, error) {
	p := parser{scanner: scanner{file: name, rest: string(text), line: 1}}
	f := &File{Name: name}
	if err := p.next(); err != nil {
		return nil, err
	}
	for p.tok.kind != end {
		s, err := p.section()
		if err != nil {
			return nil, err
		}
		if old, twice := f.Section(s.Name); twice {
			return nil, p.errorAt(s.Line, "section %s is there twice, first in line %d", s.Name, old.Line)
		}
		f.Sections = append(f.Sections, s)
	}
	return f, nil
}

// A parser has read one token ahead.
type parser struct {
	scanner
	tok token
}

func (p *parser) next() (err error) {
	p.tok, err = p.scan()
	return err
}

// take wants a token of a kind, and goes on.
func (p *parser) take(want kind, what string) (token, error) {
	t := p.tok
	if t.kind != want && (want != word || t.kind != text) {
		return token{}, p.errorAt(t.line, "%s is missing before %s", what, t)
	}
	return t, p.next()
}

// section reads Name { module... };
func (p *parser) section() (Section, error) {
	name, err := p.take(word, "the name of a section")
	if err != nil {
		return Section{}, err
	}
	s := Section{Name: name.text, Line: name.line}
	if _, err := p.take('{', `"{"`); err != nil {
		return Section{}, err
	}
	for p.tok.kind != '}' {
		m, err := p.module()
		if err != nil {
			return Section{}, err
		}
		s.Modules = append(s.Modules, m)
	}
	if err := p.next(); err != nil {
		return Section{}, err
	}
	_, err = p.take(';', `";"`)
	return s, err
}

// module reads Class flag name=value... ;
func (p *parser) module() (Module, error) {
	class, err := p.take(word, "the class of a login module")
	if err != nil {
		return Module{}, err
	}
	flag, err := p.take(word, "required, requisite, sufficient or optional")
	if err != nil {
		return Module{}, err
	}
	m := Module{Class: class.text, Line: class.line, Flag: strings.ToLower(flag.text)}
	switch m.Flag {
	case "required", "requisite", "sufficient", "optional":
	default:
		return Module{}, p.errorAt(flag.line, "%q is none of required, requisite, sufficient and optional", flag.text)
	}
	for p.tok.kind != ';' {
		o, err := p.option()
		if err != nil {
			return Module{}, err
		}
		m.Options = append(m.Options, o)
	}
	return m, p.next()
}

// option reads name=value.
func (p *parser) option() (Option, error) {
	name, err := p.take(word, `";" or the name of an option`)
	if err != nil {
		return Option{}, err
	}
	if _, err := p.take('=', fmt.Sprintf(`"=" after option %s`, name.text)); err != nil {
		return Option{}, err
	}
	value, err := p.take(word, fmt.Sprintf("the value of option %s", name.text))
	if err != nil {
		return Option{}, err
	}
	if strings.Contains(value.text, "${") {
		return Option{}, p.errorAt(value.line, "the value of option %s has a ${variable}, which is not replaced here; write the value itself", name.text)
	}
	return Option{Name: name.text, Value: value.text, Line: name.line}, nil
}
