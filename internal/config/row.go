package config

import (
	"fmt"
	"strings"
)

// The functions here make rows of the table, one per type of value.

// fileOnly makes a row of a key that ZooKeeper checks strictly.
func fileOnly(name, typ, def, text string, set func(b *builder, v string) error) Setting {
	return Setting{Name: name, Type: typ, Default: def, Text: text, Support: Honoured, set: set}
}

func fileInt(name, def, text string, at func(b *builder) *int) Setting {
	return fileOnly(name, "int", def, text, func(b *builder, v string) (err error) {
		*at(b), err = strictInt(v)
		return err
	})
}

func fileBool(name, def, text string, at func(b *builder) *bool) Setting {
	return fileOnly(name, "bool", def, text, func(b *builder, v string) (err error) {
		*at(b), err = strictBool(v)
		return err
	})
}

func fileText(name, typ, text string, at func(b *builder) *string) Setting {
	return fileOnly(name, typ, "", text, func(b *builder, v string) error {
		*at(b) = v
		return nil
	})
}

// property makes a row of a setting that ZooKeeper reads as a system property.
func property(name, typ, def, text string, set func(b *builder, v string) error) Setting {
	return Setting{Name: name, Property: prefix + name, Type: typ, Default: def, Text: text, Support: Honoured, set: set}
}

// propInt falls back to the default, with a warning, on text that is no number
// and on one below least.
func propInt(name, def, text string, least int64, put func(c *Config, n int64)) Setting {
	return property(name, "int", def, text, func(b *builder, v string) error {
		n, ok := lenientInt(v)
		switch {
		case !ok:
			return b.fallBack(name, v, def)
		case n < least:
			b.warn("%s=%s is below the least value; using %d", name, v, least)
			n = least
		}
		put(b.cfg, n)
		return nil
	})
}

// propBool takes true in any case for true and every other text for false; a
// text that is neither is warned about.
func propBool(name, def, text string, put func(c *Config, on bool)) Setting {
	return property(name, "bool", def, text, func(b *builder, v string) error {
		on := strings.EqualFold(v, "true")
		if !on && !strings.EqualFold(v, "false") {
			b.warn("%s=%s is neither true nor false; using false", name, v)
		}
		put(b.cfg, on)
		return nil
	})
}

func propText(name, def, text string, at func(c *Config) *string) Setting {
	return property(name, "text", def, text, func(b *builder, v string) error {
		*at(b.cfg) = v
		return nil
	})
}

// bare gives a row the property name without prefix that ZooKeeper uses for it.
func bare(s Setting) Setting {
	s.Property = s.Name
	return s
}

// ignored makes a row of a detail of the Java server.
func ignored(name, text string) Setting {
	return Setting{Name: name, Property: prefix + name, Type: "any", Text: text, Support: Accepted}
}

// later makes a row of a setting that a later version will honour.
func later(name, typ, def, text string) Setting {
	return Setting{Name: name, Property: prefix + name, Type: typ, Default: def, Text: text, Support: Later}
}

// refused makes a row of a setting without which the server would be less safe
// than its operator believes. Values in harmless are let through.
func refused(name, typ, def, text string, harmless ...string) Setting {
	s := later(name, typ, def, text)
	s.Support = Refused
	s.set = func(_ *builder, v string) error {
		for _, h := range harmless {
			if strings.EqualFold(v, h) {
				return nil
			}
		}
		return fmt.Errorf("%s=%s cannot be honoured by this version: %s", name, v, text)
	}
	return s
}
