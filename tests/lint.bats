#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What is to be seen without running anything.

load helpers

LICENCE='SPDX-License-Identifier: Apache-2.0'
ROOMS=(agent base check cli hook json net ns oci plan pod runtime sandbox stage)

setup() {
	cd "$PODNS_SRC" || return
}

teardown() {
	:
}


@test "shellcheck finds nothing in the scripts" {
	shellcheck -x autogen.sh .ci/run packaging/build.sh packaging/debian/static-libraries packaging/debian/*.postrm \
		packaging/debian/*.prerm tests/*.sh tests/*.bash tests/*.bats
}

# Versions differ in what they make of a line.
@test "clang-format 14 would change no source file" {
	needs_clang_format_14
	find "${ROOMS[@]}" tests -name '*.[ch]' -exec \
		clang-format --dry-run --Werror {} +
}

# Not words: roff's \(bu and .TE, a column of lsns(8), and words that tests cut short.
@test "codespell knows all words" {
	codespell -L passt,caf,ons,tru,ymbolic --ignore-regex '\\\(bu|^[.]TE|"proces"' --skip '*/corpus/*,tests/lint.bats' \
		"${ROOMS[@]}" tests man hooks.d packaging units docs ./*.md NEWS configure.ac Makefile.am
}

@test "every source file tells its licence" {
	equal "$(find "${ROOMS[@]}" tests/unit -name '*.[ch]' -exec grep -L "$LICENCE" {} +
		grep -L "$LICENCE" autogen.sh .ci/run configure.ac Makefile.am tests/*.* \
			packaging/build.sh packaging/*.spec packaging/debian/{rules,static-libraries,*.p*rm})" ''
}

@test "every source file is in the release" {
	local file
	for file in $(find "${ROOMS[@]}" tests/unit -name '*.[ch]') tests/*.* hooks.d/*.in man/* docs/* *.md NEWS \
		$(find packaging -type f); do
		grep -qF "$file" Makefile.am || {
			echo "$file is not in Makefile.am"
			return 1
		}
	done
}

@test "nothing but the room ns makes, joins or pins namespaces" {
	equal "$(grep -lE '\b(unshare|setns|mount|umount2|clone3?)\(' {agent,base,check,hook,json,net,oci,plan,pod,stage}/*.c || true)" ''
}

@test "tests are skipped by skips.bash alone" {
	equal "$(grep -nE '(^|[;&|{(]|then|else|do)[[:space:]]*skip(_unless)?([[:space:]]|$)' tests/*.bash tests/*.bats |
		grep -vE '^tests/(skips[.]bash|run[.]bats):' || true)" ''
}

# `containers/...` is a part of a path outside the tree.
@test "each file that a document names is there" {
	local document name missing=''
	for document in *.md docs/*.md; do
		# shellcheck disable=SC2016 # backticks, as in the text
		for name in $(grep -oE '`[a-z]+[.a-z]*/[^` ]*`' "$document" | tr -d '`'); do
			[[ $name == containers/* ]] || compgen -G "$name" >/dev/null || missing+=" $document:$name"
		done
		for name in $(grep -oE '\]\([^)#]+' "$document" | tr -d ']('); do
			[ -e "$(dirname "$document")/$name" ] || missing+=" $document:$name"
		done
	done
	equal "$missing" ''
}

@test "each manual page is of this version" {
	local version
	version=$(sed -n 's/^AC_INIT(\[oci-podns\], \[\(.*\)\])$/\1/p' configure.ac)
	equal "$(grep -L "^[.]TH .* \"oci-podns $version\" " man/*.[1-8])" ''
}

@test "each test that SECURITY.md names is there" {
	local name file=''
	# In the last column of the table a file's name stands before the titles of its tests.
	while IFS= read -r name; do
		case $name in
		*.bats)
			file=tests/$name
			;;
		*)
			grep -qF "@test $name" "$file" || {
				echo "there is no test $name in $file"
				return 1
			}
			;;
		esac
	done < <(grep '^|.*[.]bats "' SECURITY.md | sed 's/.* | //' | grep -oE '[a-z-]+[.]bats|"[^"]+"')
	# shellcheck disable=SC2016 # backticks, as in the table
	while IFS= read -r name; do
		grep -qE "^static void $name\(" tests/unit/*.c || {
			echo "there is no test $name"
			return 1
		}
	done < <(grep -oE 'test_[a-z]+[.]c (`[a-z_]+`(, )?)+' SECURITY.md | grep -oE '`[a-z_]+`' | tr -d '`')
	equal "$(grep -c 'no test yet' SECURITY.md)" 0
}

@test "each function that SECURITY.md names is there" {
	local name missing=''
	# shellcheck disable=SC2016 # backticks, as in Markdown
	for name in $(grep -oE '`[a-z0-9_]+\(\)`' SECURITY.md | tr -d '`()' | sort -u); do
		grep -rqE "\b$name\(" "${ROOMS[@]}" || missing+=" $name"
	done
	equal "$missing" ''
}
