#!/bin/bash
# SPDX-License-Identifier: MIT
# test_topo.sh - pollux topo from outside: text, JSON and SVG of this machine with a veth pair, with and
# without the options of a program, another machine's by a file, and its words and exit codes.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
POLLUX=$BUILD/apps/pollux
pair 2
FIRST=${LC%%,*}

topo() { at a "$POLLUX" topo "$@" >"$TMP/out" 2>"$TMP/err" </dev/null; }
says() { # says CODE PATTERN ARGUMENTS...: on either output
	local code=$1 pattern=$2 rc; shift 2
	topo "$@"; rc=$?
	[ $rc = "$code" ] && cat "$TMP/out" "$TMP/err" | grep -qE -- "$pattern" && return
	echo "exit code $rc"; show "$TMP/out" "$TMP/err"
	return 1
}
json() { # json EXPRESSION ARGUMENTS...: true of the value d
	local e=$1; shift
	topo --json "$@"
	python3 -c "import json,sys; d = json.load(open(sys.argv[1])); sys.exit(not ($e))" "$TMP/out" || { show "$TMP/err"; head -c 3000 "$TMP/out"; return 1; }
}
# svg EXPRESSION FILE: a well-formed file of which it is true: r the root, t all of its texts
svg() {
	python3 - "$@" <<-'PY'
	import sys, xml.etree.ElementTree as E
	r = E.parse(sys.argv[2]).getroot()
	t = [e.text or "" for e in r.iter("{http://www.w3.org/2000/svg}text")] + \
	    [e.text or "" for e in r.iter("{http://www.w3.org/2000/svg}title")]
	print(t)
	sys.exit(not (r.tag.endswith("svg") and eval(sys.argv[1])))
	PY
}
check "the machine"                              says 0 "^machine +[0-9]+ node.* $(nproc --all) CPU" 
narrow() { [ "$(wc -L <"$TMP/out")" -le 100 ] && [ ! -s "$TMP/err" ]; }
check "and all of it fits 100 columns"           narrow
check "service lcores alone make a plan too"      says 0 "^lcore $FIRST .*serves pollers marked service" -S "$FIRST"
check "interfaces without a device: in one line" says 0 '^without +a device: va \(veth\)'
check "--iface shows one in full"                says 0 '^  va  veth, up, 10 Gbit/s, MTU 1500, 2 receive and 2 transmit' --iface va
check "its queues have no interrupt"             says 0 '^    queue 1  no interrupt -> lcore' --iface va
check "-l: where each lcore is"                  says 0 "^lcore $FIRST +CPU $FIRST.* polls va:0-1" --iface va -l "$FIRST"
check "a loop port needs no interface"           says 0 'polls n:0$' --iface n,driver=null
check "JSON"          json 'len([c for c in d["cpus"] if c["online"]]) > 0 and d["nodes"][0]["hugepages"][1]["page_bytes"] == 2 << 20 and d["plan"] is None'
check "JSON of a plan" json "d['nics'][0]['name'] == 'va' and d['nics'][0]['queues'][1]['lcore'] == $FIRST and d['plan']['lcores'][0]['polls'] == 'va:0-1'" \
	--iface va -l "$FIRST"
picture() { topo -o svg --iface va -l "$FIRST" && svg 'any(x.startswith("va queue 1: no interrupt, polled by lcore") for x in t) and "va" in t' "$TMP/out"; }
check "SVG is well-formed and has the queues"    picture
plain() { ! grep -E '<script|href|@import|url\(http' "$TMP/out"; }
check "and nothing from elsewhere"               plain
file() { topo -o "$TMP/p.svg" && [ ! -s "$TMP/out" ] && svg 'True' "$TMP/p.svg" && topo -o "$TMP/p.json" && python3 -m json.tool "$TMP/p.json" >/dev/null; }
check "-o FILE goes by its ending"               file

# ---- names that are not text ----

bad='<&>"'
named() { at a ip link add "$bad" type veth peer name $'b]]>\351' && at a ip link set "$bad" up && at a ip link set $'b]]>\351' up; }
check "names of all sorts can be given"          named
escapes() { topo -o svg --iface "$bad,rxqs=1" && svg "'$bad' in t" "$TMP/out"; }
check "SVG escapes them"                         escapes
check "JSON too"                                 json "d['nics'][0]['name'] == '$bad'" --iface "$bad,rxqs=1"
check "what is no UTF-8 becomes question marks"  json 'any(o["name"] == "b]]>?" for o in d["others"])'
check "in a reason too"                          json 'not d["plan"]["ok"] and "no such interface" in d["plan"]["error"]' --iface 'b]]>x'

# ---- another machine ----

cat >"$TMP/m.xml" <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc2.dtd">
<topology version="2.0">
 <object type="Machine" os_index="0" cpuset="0x0000000f" complete_cpuset="0x0000000f" allowed_cpuset="0x00000007" nodeset="0x00000003" complete_nodeset="0x00000003" allowed_nodeset="0x00000003" gp_index="1">
  <object type="Package" os_index="0" cpuset="0x00000003" complete_cpuset="0x00000003" nodeset="0x00000001" complete_nodeset="0x00000001" gp_index="2">
   <info name="CPUModel" value="Made up 2000"/>
   <object type="NUMANode" os_index="0" cpuset="0x00000003" complete_cpuset="0x00000003" nodeset="0x00000001" complete_nodeset="0x00000001" gp_index="3" local_memory="1073741824"><page_type size="4096" count="131072"/><page_type size="2097152" count="256"/></object>
   <object type="L3Cache" cpuset="0x00000003" complete_cpuset="0x00000003" nodeset="0x00000001" complete_nodeset="0x00000001" gp_index="4" cache_size="8388608" depth="3" cache_linesize="64" cache_associativity="16" cache_type="0">
    <object type="Core" os_index="0" cpuset="0x00000003" complete_cpuset="0x00000003" nodeset="0x00000001" complete_nodeset="0x00000001" gp_index="5">
     <object type="PU" os_index="0" cpuset="0x00000001" complete_cpuset="0x00000001" nodeset="0x00000001" complete_nodeset="0x00000001" gp_index="6"/>
     <object type="PU" os_index="1" cpuset="0x00000002" complete_cpuset="0x00000002" nodeset="0x00000001" complete_nodeset="0x00000001" gp_index="7"/>
    </object>
   </object>
  </object>
  <object type="Package" os_index="1" cpuset="0x0000000c" complete_cpuset="0x0000000c" nodeset="0x00000002" complete_nodeset="0x00000002" gp_index="8">
   <object type="NUMANode" os_index="1" cpuset="0x0000000c" complete_cpuset="0x0000000c" nodeset="0x00000002" complete_nodeset="0x00000002" gp_index="9" local_memory="2147483648"/>
   <object type="Core" os_index="0" cpuset="0x0000000c" complete_cpuset="0x0000000c" nodeset="0x00000002" complete_nodeset="0x00000002" gp_index="10">
    <object type="PU" os_index="2" cpuset="0x00000004" complete_cpuset="0x00000004" nodeset="0x00000002" complete_nodeset="0x00000002" gp_index="11"/>
    <object type="PU" os_index="3" cpuset="0x00000008" complete_cpuset="0x00000008" nodeset="0x00000002" complete_nodeset="0x00000002" gp_index="12"/>
   </object>
   <object type="Bridge" gp_index="13" bridge_type="0-1" depth="0" bridge_pci="0000:[80-81]">
    <object type="PCIDev" gp_index="14" pci_busid="0000:81:00.0" pci_type="0200 [8086:1592] [8086:0002] 02" pci_link_speed="15.753846">
     <object type="OSDev" gp_index="15" name="ens1f0" osdev_type="2"><info name="Address" value="02:00:00:00:00:01"/></object>
    </object>
   </object>
  </object>
 </object>
</topology>
XML
check "no file"                                  says 1 'no.xml: cannot be read as hwloc' --xml "$TMP/no.xml"
check "--xml: another machine"                   says 0 'machine +2 nodes, 2 packages, 2 cores, 4 CPUs; Made up 2000' --xml "$TMP/m.xml"
check "its hugepages"                            says 0 'node 0 +1 GiB of memory.* 2 MiB: 256' --xml "$TMP/m.xml"
check "its CPUs, one of them not allowed"        says 0 '^    \[2 3-\]' --xml "$TMP/m.xml"
check "its NIC, on node 1"                       json 'd["nics"][0]["name"] == "ens1f0" and d["nics"][0]["node"] == 1 and d["nics"][0]["bus"] == "0000:81:00.0"' --xml "$TMP/m.xml"
check "its link and the CPUs near it"            json 'd["nics"][0]["near_cpus"] == [2, 3] and 15 < d["nics"][0]["pci_gbytes"] < 16' --xml "$TMP/m.xml"
check "its lcores"                               says 0 '^lcore 2 +CPU 2, node 1' --xml "$TMP/m.xml" -l 2
check "one that it does not allow"               says 1 'CPU 3 is not in this process' --xml "$TMP/m.xml" -l 3
check "a file of something else"                 says 1 'cannot be read as hwloc' --xml /etc/passwd
check "interfaces of this one are refused"       says 2 'has no place in another one' --xml "$TMP/m.xml" --iface va

# ---- words ----

check "--help"                                   says 0 '^usage: pollux topo' --help
check "a CPU that is not there: picture, reason, 1" says 1 'CPU 999 is not there' -l 0@999
pictured() { grep -q '^machine' "$TMP/out"; }
check "with the picture"                         pictured
check "no such interface"                        says 1 'did you mean --iface va' --iface vaa
check "unknown option"                           says 2 'ifac' --ifac x
check "-o without value"                         says 2 '^pollux topo: -o: its value is missing' -o
check "-o of another kind"                       says 2 "-o 'x.png': takes svg" -o x.png
check "-o and --json"                            says 2 'give one of them' -o svg --json
check "a file that cannot be written"            says 1 '/nosuch/x.svg: cannot be written: No such' -o /nosuch/x.svg
full() { at a "$POLLUX" topo >/dev/full 2>"$TMP/err"; [ $? = 1 ] && grep -q 'cannot be written' "$TMP/err"; }
check "no room for the output"                   full
done_testing
