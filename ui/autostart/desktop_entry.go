package autostart

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"lockbox/proxy/config"
)

// entries are the files of the desktop application autostart specification: the
// person's own, and everyone's, which it stands before.
type entries struct {
	own    string   // a folder
	system []string // folders, the most important first
}

// read implements the specification: of files with one name only the first counts,
// and Hidden in it is as good as no file. GNOME and others have a key of their own
// for what the person turned off.
func (e entries) read() (State, error) {
	for i, dir := range append([]string{e.own}, e.system...) {
		path := filepath.Join(dir, ID+".desktop")
		text, err := os.ReadFile(path) //nolint:gosec // where the desktop looks
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return State{}, fmt.Errorf("what is started at login cannot be read: %w", err)
		}
		keys := entryKeys(string(text))
		s := State{Place: path, System: i > 0, Program: firstArgument(keys["Exec"])}
		s.On = keys["Hidden"] != "true" && keys["X-GNOME-Autostart-enabled"] != "false" && keys["Exec"] != ""
		return s, nil
	}
	return State{}, nil
}

func (e entries) turnOn(program string) error {
	text, err := entryText(program)
	if err != nil {
		return err
	}
	return config.ReplaceFile(filepath.Join(e.own, ID+".desktop"), []byte(text))
}

// turnOff removes the person's own file, or hides everyone's by one.
func (e entries) turnOff() error {
	path := filepath.Join(e.own, ID+".desktop")
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if s, err := e.read(); err != nil || !s.On {
		return err
	}
	return config.ReplaceFile(path, []byte("[Desktop Entry]\nType=Application\nName=Lockbox\nHidden=true\n"))
}

// entryText is the file that starts program.
func entryText(program string) (string, error) {
	if !filepath.IsAbs(program) || strings.ContainsAny(program, "=\n\r") {
		return "", fmt.Errorf("the desktop can start no program at %q: move it to a folder with an ordinary name", program)
	}
	return "[Desktop Entry]\nType=Application\nName=Lockbox\n" +
		"Comment=Keeps your API keys at home and hands out service tokens\n" +
		"Exec=" + quoteExec(program) + " " + hidden + "\nIcon=" + ID + "\nTerminal=false\nX-GNOME-Autostart-enabled=true\n", nil
}

// quoteExec quotes an argument as the desktop entry specification's "The Exec key"
// says, and then, as it says too, escapes that as a value of type string.
func quoteExec(arg string) string {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", "$", `\$`, "%", "%%").Replace(arg)
	return strings.ReplaceAll(`"`+quoted+`"`, `\`, `\\`)
}

// firstArgument takes the program out of an Exec key's value.
func firstArgument(value string) string {
	value = strings.TrimSpace(strings.NewReplacer(`\\`, `\`, `\s`, " ", `\t`, "\t").Replace(value))
	var arg strings.Builder
	quoted := false
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == '"':
			quoted = !quoted
			continue
		case c == ' ' && !quoted:
			return arg.String()
		case (c == '\\' && quoted || c == '%') && i+1 < len(value):
			i++
			c = value[i]
		}
		arg.WriteByte(c)
	}
	return arg.String()
}

// entryKeys are the keys of the group [Desktop Entry].
func entryKeys(text string) map[string]string {
	keys, inside := map[string]string{}, false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			inside = line == "[Desktop Entry]"
			continue
		}
		if name, value, ok := strings.Cut(line, "="); ok && inside && !strings.HasPrefix(line, "#") {
			keys[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return keys
}
