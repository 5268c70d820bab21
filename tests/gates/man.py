# SPDX-License-Identifier: BSD-3-Clause
"""What man.sh asks of the manual pages: prints what is wrong, one line each.

A page is looked at as source (mdoc(7)).  A file with the one line ".so man3/PAGE.3" is another name
of that page.  First everything is tried on planted pages, which must be found wrong.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

# The errors that the manual page of sctp_connectx promises.
CONNECTX_ERRORS = """EBADF ENOTSOCK EFAULT EINVAL EACCES EPERM EISCONN ECONNREFUSED ETIMEDOUT
    ENETUNREACH EADDRINUSE EINPROGRESS EALREADY EAGAIN EAFNOSUPPORT""".split()
SECTIONS = {
    "1": ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "EXAMPLES", "SEE ALSO", "STANDARDS"],
    "3": ["NAME", "LIBRARY", "SYNOPSIS", "DESCRIPTION", "RETURN VALUES", "SEE ALSO", "STANDARDS"],
    "7": ["NAME", "SYNOPSIS", "DESCRIPTION", "SEE ALSO", "STANDARDS"],
}


def words(text):
    """The same text with one blank where there are several, and none where none is needed."""
    return re.sub(r"\s*([(),*])\s*", r"\1", " ".join(text.split()))


def split_arguments(text):
    """Arguments of a function, one of which may be a function."""
    out, depth, current = [], 0, ""
    for c in text:
        if c == "," and depth == 0:
            out.append(current)
            current = ""
            continue
        depth += (c == "(") - (c == ")")
        current += c
    return out + [current]


def prototypes(root):
    """name -> "type name(argument,...)" of every function of a public header"""
    out = {}
    for header in sorted((root / "include/usctp").glob("*.h")):
        text = re.sub(r"/\*.*?\*/", " ", header.read_text(), flags=re.S)
        text = re.sub(r"^[ \t]*#(?:.*\\\n)*.*$", "", text, flags=re.M)
        declared = (
            r"\b(?:USCTP_API|static inline)\s([^;{}]*?)(usctp_\w+)\s*"
            r"\((.*?)\)\s*(?:USCTP_MUST_CHECK\s*)?[;{]"
        )
        for match in re.finditer(declared, text, re.S):
            kind, name, arguments = match.groups()
            arguments = ",".join(split_arguments(arguments))
            out[name] = words(f"{kind} {name}({arguments})")
    return out


class Page:
    """One file of docs/man."""

    def __init__(self, path):
        self.path, self.name, self.section = path, path.stem, path.suffix[1:]
        self.text = path.read_text()
        so = re.fullmatch(r"\.so man(\d)/(\S+)\n?", self.text)
        self.target = so.group(2) if so else None
        self.names = re.findall(r"^\.Nm (\S+)", self.part("NAME"), re.M)

    def part(self, title):
        match = re.search(rf"^\.Sh {title}\n(.*?)(?=^\.Sh |\Z)", self.text, re.M | re.S)
        return match.group(1) if match else ""

    def synopsis(self):
        """name -> prototype, as prototypes() has them"""
        out = {}
        for kind, name, rest in re.findall(
            r"^\.Ft (.*)\n\.Fo (\w+)\n((?:\.Fa .*\n)*)\.Fc", self.part("SYNOPSIS"), re.M
        ):
            arguments = [a.strip('"') for a in re.findall(r"^\.Fa (.*)$", rest, re.M)]
            out[name] = words(f"{kind.strip(chr(34))} {name}({','.join(arguments)})")
        return out

    def options(self):
        """-x and --xxx that the page names"""
        found = re.findall(r"\bFl (-?[A-Za-z][\w-]*)", self.text)
        return {"-" + option for option in found}

    def errors(self):
        lines = re.findall(r"^\.It Bq Er (.*)$", self.part("ERRORS"), re.M)
        return {word for line in lines for word in re.findall(r"E[A-Z0-9]+", line)}

    def examples(self):
        block = r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed"
        for block in re.findall(block, self.part("EXAMPLES"), re.M | re.S):
            yield block.replace("\\e", "\\").replace("\\&", "")


def check_functions(root, pages):
    functions, documented = prototypes(root), {}
    for page in pages.values():
        if page.target or page.section != "3":
            continue
        for name, prototype in page.synopsis().items():
            documented[name] = page
            if name not in page.names:
                yield f"{page.path.name}: {name} is not in NAME"
            if name not in functions:
                yield f"{page.path.name}: no header has {name}"
            elif prototype != functions[name]:
                yield f"{page.path.name}: '{prototype}', but the header has '{functions[name]}'"
    for name in sorted(functions):
        page = pages.get(f"{name}.3")
        if page is None:
            yield f"{name} has no page"
        elif page.target and name not in getattr(pages.get(page.target), "names", []):
            yield f"{name}.3: {page.target} is not about it"
        elif name not in documented:
            yield f"{name} is in no SYNOPSIS"
    for page in pages.values():
        if page.target and page.name not in functions:
            yield f"{page.path.name}: no function has this name"


def check_tools(root, build, pages):
    tools = {path.stem for path in (root / "tools").glob("usctp-*.c")}
    for page in pages.values():
        if page.section == "1" and page.name not in tools:
            yield f"{page.path.name}: no tool has this name"
    for tool in sorted(tools):
        page = pages.get(f"{tool}.1")
        if page is None:
            yield f"{tool} has no page"
            continue
        run = [build / "tools" / tool, "--help"]
        told = subprocess.run(run, capture_output=True, text=True, timeout=20, check=True).stdout
        options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*|(?<![\w-])-[A-Za-z]\b", told))
        for option in sorted(options - page.options()):
            yield f"{page.path.name}: {option} of --help is missing"
        for option in sorted(page.options() - options):
            yield f"{page.path.name}: {option} is not in --help"


def check_form(pages):
    for page in pages.values():
        if page.target:
            continue
        lint = ["mandoc", "-Tlint", "-W", "warning", page.path]
        said = subprocess.run(lint, capture_output=True, text=True, timeout=20).stdout
        yield from (line.replace(str(page.path), page.path.name) for line in said.splitlines())
        for title in SECTIONS[page.section]:
            if not page.part(title):
                yield f"{page.path.name}: no section {title}"
        for name, section in re.findall(r"\bXr (usctp\S*) (\d)", page.text):
            if f"{name}.{section}" not in pages:
                yield f"{page.path.name}: there is no {name}({section})"


def check_examples(root, pages):
    compiler = [os.environ.get("CC", "cc"), "-std=gnu11", "-Wall", "-Wextra", "-Werror"]
    compiler += ["-fsyntax-only", f"-I{root / 'include'}", "-x", "c", "-"]
    for page in pages.values():
        if page.section == "1":
            continue
        for number, example in enumerate(page.examples(), 1):
            made = subprocess.run(
                compiler, input=example, capture_output=True, text=True, timeout=60
            )
            if made.returncode != 0:
                yield f"{page.path.name}: example {number} does not compile: {made.stderr}"


def check_errors(root, pages):
    page = pages.get("usctp_connectx.3")
    for error in CONNECTX_ERRORS:
        if page and error not in page.errors():
            yield f"usctp_connectx.3: {error} is missing"
    written = {word for p in pages.values() for word in re.findall(r"\bE[A-Z0-9]{3,}\b", p.text)}
    for source in sorted((root / "src/api").glob("*.c")):
        for error in sorted(set(re.findall(r"-(E[A-Z0-9]{3,})\b", source.read_text())) - written):
            yield f"{source.name} gives {error}, which is on no page"


def expected_errors(root):
    """(function, errno, file) for what the tests of the sockets expect"""
    for source in sorted((root / "tests/api").glob("*.c")):
        text = source.read_text()
        for name, error in re.findall(r"ck_assert_errno\((\w+)\(.*?,\s*(E[A-Z0-9]+)\);", text, re.S):
            yield name, error, source.name
        rows = r"X\(\w+, (E[A-Z0-9]+), (E[A-Z0-9]+),\s*\\?\s*(usctp_\w+)\("
        for first, second, name in re.findall(rows, text):
            yield name, first, source.name
            yield name, second, source.name
        for name, states in re.findall(r"\{call_(\w+), \{(.*?)\}\}", text):
            for error in re.findall(r"E[A-Z0-9]+", states):
                yield name, error, source.name


def check_tests(root, pages):
    for name, error, source in sorted(set(expected_errors(root))):
        page = pages.get(f"{name}.3") or pages.get(f"usctp_{name}.3")
        if page and page.target:
            page = pages.get(page.target)
        if page and error not in page.errors():
            yield f"{page.path.name}: {error} of {name} is missing, which {source} expects"


def check_tables(root, build, pages):
    options = pages.get("usctp_options.7")
    table = root / "src/api/option_table.c"
    if options and table.exists():
        name = r"\b(?!USCTP_TUNABLE)(?:U?SCTP_[A-Z0-9_]+|SO_[A-Z0-9]+|IPV6_V6ONLY)\b"
        for name in sorted(set(re.findall(name, table.read_text()))):
            if not re.search(rf"\b{name}\b", options.text):
                yield f"usctp_options.7: {name} is missing"
    config = pages.get("usctp_config.3")
    if config:
        run = [build / "tools/usctp-cat", "--set", "help"]
        told = subprocess.run(run, capture_output=True, text=True, timeout=20, check=True).stdout
        for row in re.findall(r"^(\w+)=(\d+) \((\d+)\.\.(\d+) ([^,)]*)", told, re.M):
            line = ".It Va %s\n%s %s, from %s to %s;" % (row[0], row[1], row[4], row[2], row[3])
            if line not in config.text:
                yield f"usctp_config.3: {row[0]} is missing or has another range"


def check(root, build):
    pages = {p.name: Page(p) for p in sorted((root / "docs/man").glob("*.[137]"))}
    yield from check_functions(root, pages)
    yield from check_tools(root, build, pages)
    yield from check_form(pages)
    yield from check_examples(root, pages)
    yield from check_errors(root, pages)
    yield from check_tests(root, pages)
    yield from check_tables(root, build, pages)


# ---- planted pages -------------------------------------------------------------------------------

HEADER = """#define USCTP_API
/* USCTP_API int usctp_comment(int a); */
USCTP_API int usctp_connectx(int sd, const char *list,
                             void (*call)(int a, int b)) USCTP_MUST_CHECK;
static inline void usctp_end(void) {
    usctp_connectx(0, 0, 0);
}
"""
FUNCTION_PAGE = """.Dd June 3, 2026
.Dt USCTP_CONNECTX 3
.Os
.Sh NAME
.Nm usctp_connectx ,
.Nm usctp_end
.Nd planted
.Sh LIBRARY
usctp
.Sh SYNOPSIS
.Ft int
.Fo usctp_connectx
.Fa "int sd"
.Fa "const char *list"
.Fa "void (*call)(int a, int b)"
.Fc
.Ft void
.Fo usctp_end
.Fa void
.Fc
.Sh DESCRIPTION
Planted.
.Sh RETURN VALUES
None.
.Sh EXAMPLES
.Bd -literal
int one(void) { return '\\en'; }
.Ed
.Sh ERRORS
.Bl -tag -width Er
@LIST@.El
.Sh SEE ALSO
.Xr usctp-tool 1
.Sh STANDARDS
None.
"""
TOOL_PAGE = """.Dd June 3, 2026
.Dt USCTP-TOOL 1
.Os
.Sh NAME
.Nm usctp-tool
.Nd planted
.Sh SYNOPSIS
.Nm
.Op Fl v
.Sh DESCRIPTION
.Bl -tag -width Ds
.It Fl v , Fl -set Ns = Ns Ar NAME
Planted.
.El
.Sh EXIT STATUS
0.
.Sh EXAMPLES
None.
.Sh SEE ALSO
.Xr usctp_end 3
.Sh STANDARDS
None.
"""


def plant(root):
    """A tree in which nothing is wrong."""
    for folder in ("include/usctp", "docs/man", "tools", "build/tools", "src/api", "tests/api"):
        (root / folder).mkdir(parents=True)
    errors = "".join(f".It Bq Er {error}\nPlanted.\n" for error in CONNECTX_ERRORS)
    (root / "include/usctp/x.h").write_text(HEADER)
    (root / "docs/man/usctp_connectx.3").write_text(FUNCTION_PAGE.replace("@LIST@", errors))
    (root / "docs/man/usctp_end.3").write_text(".so man3/usctp_connectx.3\n")
    (root / "docs/man/usctp-tool.1").write_text(TOOL_PAGE)
    (root / "tools/usctp-tool.c").write_text("")
    (root / "src/api/x.c").write_text("return -EBADF;\n")
    (root / "tests/api/x.c").write_text("ck_assert_errno(connectx(1, \"a\"), EPERM);\n")
    tool = root / "build/tools/usctp-tool"
    tool.write_text("#!/bin/sh\necho '  -v, --set=NAME  a dash-word of it'\n")
    tool.chmod(0o755)


def prove():
    """Each change to the planted tree must be found; returns what was not."""
    page, tool = "docs/man/usctp_connectx.3", "docs/man/usctp-tool.1"
    changes = [
        (None, "", "", ""),
        ("docs/man/usctp_end.3", None, None, "usctp_end has no page"),
        ("docs/man/usctp_end.3", "connectx", "other", "usctp_other.3 is not about it"),
        (page, "int sd", "long sd", "but the header has"),
        (page, ".Ft void", ".Ft int", "but the header has"),
        (page, "(int a, int b)", "(int a)", "but the header has"),
        (page, "usctp_end\n.Fa", "usctp_old\n.Fa", "no header has usctp_old"),
        (page, ".It Bq Er EISCONN\nPlanted.\n", "", "EISCONN is missing"),
        (page, ".Sh STANDARDS\nNone.\n", "", "no section STANDARDS"),
        (page, "Planted.\n.Sh RETURN", ".Nonsense\n.Sh RETURN", "skipping unknown macro"),
        (page, "return", "retrun", "does not compile"),
        (page, "usctp-tool 1", "usctp-took 1", "there is no usctp-took(1)"),
        (tool, None, None, "usctp-tool has no page"),
        (tool, "Fl -set", "Fl -sot", "--set of --help is missing"),
        (tool, "Fl v ,", "Fl v , Fl -more ,", "--more is not in --help"),
        ("tools/usctp-tool.c", None, None, "no tool has this name"),
        ("tests/api/x.c", "EPERM", "EXDEV", "EXDEV of connectx is missing, which x.c expects"),
        ("src/api/x.c", "EBADF", "ELOOP", "ELOOP, which is on no page"),
    ]
    for path, before, after, wanted in changes:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            plant(root)
            if path and before is None:
                (root / path).unlink()
            elif path:
                text = (root / path).read_text()
                assert before in text, before
                (root / path).write_text(text.replace(before, after, 1))
            said = "\n".join(check(root, root / "build"))
        if wanted not in said or (not wanted and said):
            yield f"man: planted, {path}: wanted '{wanted}', said '{said}'"


def main():
    root, build = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    wrong = list(prove()) or list(check(root, build))
    for line in wrong:
        print(line)
    if wrong:
        return 1
    pages = [p for p in (root / "docs/man").glob("*.[137]") if not p.read_text().startswith(".so")]
    print(f"man: {len(pages)} pages, {len(prototypes(root))} functions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
