use proptest::prelude::*;

use crate::*;

/// Owned parts of a line, so that a strategy can make them.
fn any_line_text() -> impl Strategy<Value = String> {
    let name = "[A-Za-z][A-Za-z0-9._@-]{0,20}";
    let word = "[g-z][a-z0-9.-]{0,10}";
    let value = prop_oneof![
        any::<u64>().prop_map(|number| Value::from(number).to_string()),
        word.prop_map(|word| word),
    ];
    let verdict = prop_oneof![
        Just("PASS".to_owned()),
        (value.clone(), value).prop_map(|(got, want)| format!("FAIL got={got} want={want}")),
        "[ -~]{1,40}".prop_map(|reason| format!("SKIP {reason}")),
    ];
    prop_oneof![
        (name, any::<u64>())
            .prop_map(|(name, value)| Line::Register { name: &name, value }.to_string()),
        (name, any::<u64>(), any::<u64>()).prop_map(|(name, start, end)| Line::Range {
            name: &name,
            start,
            end
        }
        .to_string()),
        (name, any::<u32>()).prop_map(|(name, value)| Line::Crc { name: &name, value }.to_string()),
        (name, verdict).prop_map(|(name, verdict)| format!("report: rule {name} {verdict}")),
        (name, "[ -~]{0,40}").prop_map(|(name, text)| Line::Info {
            name: &name,
            text: &text
        }
        .to_string()),
        (name, any::<[u32; 3]>()).prop_map(|(name, [pc, address, status])| Line::Fault {
            name: &name,
            pc,
            address,
            status
        }
        .to_string()),
        any::<[u32; 4]>().prop_map(|[number, pass, fail, skip]| {
            let tally = Tally { pass, fail, skip };
            Line::Hop { number, tally }.to_string()
        }),
        any::<[u32; 3]>()
            .prop_map(|[pass, fail, skip]| Line::Done(Tally { pass, fail, skip }).to_string()),
    ]
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same(text in any_line_text()) {
        let line = Line::parse(&text).unwrap().unwrap();
        prop_assert_eq!(line.to_string(), text);
    }

    #[test]
    fn any_text_reads_without_a_panic(text in "(report: )?(rule|reg|crc|range|FAULT|hop|done|info|x)?.{0,60}") {
        if let Some(Ok(line)) = Line::parse(&text) {
            let written = line.to_string();
            prop_assert_eq!(Line::parse(&written), Some(Ok(line)));
        }
    }

    #[test]
    fn arguments_read_back_the_same(
        image in any::<Option<u32>>(),
        initrd in any::<Option<u32>>(),
        then in prop_oneof![Just(Then::PowerOff), Just(Then::Reset), Just(Then::Halt)],
    ) {
        let arguments = Arguments { image, initrd, then };
        let text = format!("console=ttyAMA0 {arguments} quiet");
        prop_assert_eq!(Arguments::parse(&text), (arguments, None));
    }
}

#[test]
fn the_lines_are_spelled_as_promised() {
    let spelled = [
        (
            Line::Register {
                name: "HSCTLR",
                value: 0x30c5_0878,
            },
            "report: reg HSCTLR=30c50878",
        ),
        (
            Line::Rule {
                name: "mode.hyp",
                verdict: Verdict::Pass,
            },
            "report: rule mode.hyp PASS",
        ),
        (
            Line::Rule {
                name: "regs.r0",
                verdict: Verdict::Fail {
                    got: Value::Number(1),
                    want: Value::Number(0),
                },
            },
            "report: rule regs.r0 FAIL got=1 want=0",
        ),
        (
            Line::Crc {
                name: "image",
                value: 0x0034_abcd,
            },
            "report: crc image=0034abcd",
        ),
        (
            Line::Done(Tally {
                pass: 40,
                fail: 1,
                skip: 2,
            }),
            "report: done pass=40 fail=1 skip=2",
        ),
    ];
    for (line, text) in spelled {
        assert_eq!(line.to_string(), text);
    }
}

#[test]
fn a_register_of_64_bits_keeps_all_of_them() {
    let line = Line::Register {
        name: "VTTBR",
        value: 0x1_0000_0000,
    };
    assert_eq!(line.to_string(), "report: reg VTTBR=0000000100000000");
    assert_eq!(Line::parse(&line.to_string()), Some(Ok(line)));
}

#[test]
fn lines_of_others_are_not_ours() {
    for text in ["", "report", " report: done pass=1 fail=0 skip=0", "=> "] {
        assert_eq!(Line::parse(text), None);
    }
}

#[test]
fn a_cut_line_is_an_error_and_not_a_verdict() {
    for text in [
        "report: rule regs.r0",
        "report: rule regs.r0 PAS",
        "report: rule regs.r0 PASS x",
        "report: rule regs.r0 FAIL got=1",
        "report: rule regs.r0 FAIL got=1 want=",
        "report: rule regs.r0 FAIL got=1 want=0 x",
        "report: done pass=40 fail=0",
        "report: done pass=4x fail=0 skip=0",
        "report: done pass=+4 fail=0 skip=0",
        "report: crc image=123456789",
        "report: reg X",
        "report: reg X=+1",
        "report: FAULT data-abort pc=1",
        "report: ",
        "report: what",
    ] {
        assert!(matches!(Line::parse(text), Some(Err(_))), "{text}");
    }
}

#[test]
fn only_rules_and_faults_count() {
    let mut tally = Tally::default();
    for text in [
        "report: reg X=1",
        "report: rule a.b PASS",
        "report: rule a.c PASS",
        "report: rule a.d FAIL got=1 want=0",
        "report: rule a.e SKIP entered in SVC",
        "report: FAULT undefined pc=1 address=0 status=0",
        "report: info tlb unseen",
    ] {
        tally.count(&Line::parse(text).unwrap().unwrap());
    }
    assert_eq!(
        tally,
        Tally {
            pass: 2,
            fail: 2,
            skip: 1
        }
    );
}

#[test]
fn a_word_of_ours_that_cannot_be_read_is_named() {
    for word in [
        "report.image=",
        "report.image=xyz",
        "report.image=123456789",
        "report.image=+1",
        "report.then=later",
        "report.color=red",
        "report.image",
    ] {
        let line = format!("quiet {word} report.initrd=1");
        let (arguments, error) = Arguments::parse(&line);
        assert_eq!(error, Some(ArgumentError { word }));
        assert_eq!(arguments.initrd, Some(1));
    }
    assert_eq!(
        Arguments::parse("report.image=0xCAFE report.then=halt"),
        (
            Arguments {
                image: Some(0xcafe),
                initrd: None,
                then: Then::Halt
            },
            None
        )
    );
}
