package stagex

import (
	"fmt"
	"net/url"
	"path"
	"strings"
)

// versionForms are the ways in which a version can be written in a template.
// A form that does not exist for this version is missing from the map.
func versionForms(v string) map[string]string {
	forms := map[string]string{
		"version":              v,
		"version_under":        strings.ReplaceAll(v, ".", "_"),
		"version_dash":         strings.ReplaceAll(v, ".", "-"),
		"version_strip_suffix": v,
	}
	if i := strings.Index(v, "-"); i >= 0 {
		forms["version_strip_suffix"] = v[:i]
	}
	parts := strings.Split(v, ".")
	forms["version_major"] = parts[0]
	if len(parts) >= 2 {
		forms["version_major_minor"] = parts[0] + "." + parts[1]
	}
	return forms
}

// expand replaces {name} by values, as Python's str.format does for plain
// fields: "{{" and "}}" are braces, an unknown field is an error.
func expand(template string, values map[string]string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(template); i++ {
		switch c := template[i]; {
		case (c == '{' || c == '}') && i+1 < len(template) && template[i+1] == c:
			b.WriteByte(c)
			i++
		case c == '{':
			end := strings.IndexByte(template[i:], '}')
			if end < 0 {
				return "", fmt.Errorf("template %q: '{' is not closed", template)
			}
			field := template[i+1 : i+end]
			v, ok := values[field]
			if !ok {
				return "", fmt.Errorf("template %q: no value for {%s}", template, field)
			}
			b.WriteString(v)
			i += end
		case c == '}':
			return "", fmt.Errorf("template %q: '}' without '{'", template)
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// urlFile is the last part of a URL's path, the file name the scripts take
// when a source names none.
func urlFile(mirror string) string {
	u, err := url.Parse(mirror)
	if err != nil {
		return path.Base(mirror)
	}
	p := u.Path
	return p[strings.LastIndexByte(p, '/')+1:]
}

// fetched is what the fetching script makes of a source: its file name below
// fetch/ and its URLs. It knows every form of the source's own version, or of
// the package's where the source has none. The script names the file anew for
// each mirror; others are the names that differ from the first.
func (s sourceEntry) fetched(packageVersion string) (file string, urls, others []string, err error) {
	version := s.Version
	if version == "" {
		version = packageVersion
	}
	values := versionForms(version)
	values["format"] = s.Format
	if len(s.Mirrors) == 0 && s.File != "" { // it may still lie in a local mirror
		file, err = expand(s.File, values)
		return file, nil, nil, err
	}
	for i, mirror := range s.Mirrors {
		template := s.File
		if template == "" {
			template = urlFile(mirror)
		}
		name, err := expand(template, values)
		if err != nil {
			return "", nil, nil, err
		}
		if i == 0 {
			file = name
		} else if name != file {
			others = append(others, name)
		}
		values["file"] = name
		u, err := expand(mirror, values)
		if err != nil {
			return "", nil, nil, err
		}
		delete(values, "file")
		urls = append(urls, u)
	}
	return file, urls, others, nil
}

// argument is what the make generator puts into <NAME>_SOURCE: it knows only
// four fields, and takes the dashed and underscored forms from the package.
func (s sourceEntry) argument(version, packageVersion string) (string, error) {
	template := s.File
	if template == "" {
		template = urlFile(s.Mirrors[0])
	}
	forms := map[string]string{"version": version, "format": s.Format, "version_dash": "", "version_under": ""}
	if packageVersion != "" {
		p := versionForms(packageVersion)
		forms["version_dash"], forms["version_under"] = p["version_dash"], p["version_under"]
	}
	return expand(template, forms)
}
