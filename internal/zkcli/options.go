package zkcli

import "strings"

// An option of a command. Options with the same group exclude each other.
type option struct {
	name  string
	value bool // takes an argument
	group string
}

func flagOption(name string) option  { return option{name: name} }
func valueOption(name string) option { return option{name: name, value: true} }

// An optionSet is what a command's options were set to; options without an
// argument have the value "".
type optionSet map[string]string

func (o optionSet) has(name string) bool {
	_, ok := o[name]
	return ok
}

// optionErrors are named after the exceptions that users see (cli.md 2).
const optionErrors = "org.apache.commons.cli."

func unrecognized(word string) error {
	return failf(optionErrors+"UnrecognizedOptionException: Unrecognized option: %s", word)
}

// A parser takes options from among the words of a command: anywhere, joined
// (-sw), with their argument joined (-v3), after = or in the next word, until
// "--".
type parser struct {
	options []option
	set     optionSet
	groups  map[string]string // group to the option selected
	words   []string
}

// parseOptions splits words into options and arguments.
func parseOptions(options []option, words []string) (set optionSet, args []string, err error) {
	p := &parser{options: options, set: optionSet{}, groups: map[string]string{}, words: words}
	for len(p.words) > 0 {
		word := p.words[0]
		p.words = p.words[1:]
		switch {
		case word == "--":
			return p.set, append(args, p.words...), nil
		case len(word) < 2 || word[0] != '-':
			args = append(args, word)
		default:
			if err := p.option(word); err != nil {
				return nil, nil, err
			}
		}
	}
	return p.set, args, nil
}

func (p *parser) find(name string) (option, bool) {
	for _, o := range p.options {
		if o.name == name {
			return o, true
		}
	}
	return option{}, false
}

// option handles one word that begins with a dash.
func (p *parser) option(word string) error {
	name, value, joined := strings.Cut(word[1:], "=")
	if o, ok := p.find(word[1:]); ok {
		return p.take(o)
	}
	if o, ok := p.find(name); ok && joined && o.value {
		return p.put(o, value)
	}
	return p.cluster(word)
}

// cluster handles joined letters: flags, the last of which may be an option
// with its argument.
func (p *parser) cluster(word string) error {
	for i := 1; i < len(word); i++ {
		o, ok := p.find(word[i : i+1])
		if !ok {
			return unrecognized(word)
		}
		if o.value && i+1 < len(word) {
			return p.put(o, word[i+1:])
		}
		if err := p.take(o); err != nil {
			return err
		}
	}
	return nil
}

// take sets o, with the next word as its argument if it has one.
func (p *parser) take(o option) error {
	if !o.value {
		return p.put(o, "")
	}
	if len(p.words) == 0 || p.isOption(p.words[0]) {
		return failf(optionErrors+"MissingArgumentException: Missing argument for option: %s", o.name)
	}
	value := p.words[0]
	p.words = p.words[1:]
	return p.put(o, value)
}

// isOption reports whether word is one of the options rather than an argument
// that begins with a dash.
func (p *parser) isOption(word string) bool {
	if len(word) < 2 || word[0] != '-' {
		return false
	}
	name, _, _ := strings.Cut(word[1:], "=")
	if _, ok := p.find(name); ok {
		return true
	}
	_, ok := p.find(word[1:2])
	return ok || word == "--"
}

func (p *parser) put(o option, value string) error {
	if o.group != "" {
		if other, ok := p.groups[o.group]; ok && other != o.name {
			return failf(optionErrors+"AlreadySelectedException: The option '%s' was specified but an option from this group has already been selected: '%s'", o.name, other)
		}
		p.groups[o.group] = o.name
	}
	p.set[o.name] = value
	return nil
}
