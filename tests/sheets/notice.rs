//! The notice of a month: what it says, what it leaves blank, and where there is none.

use std::sync::OnceLock;

use price_linkage::{
    engine::question::Terms,
    service::{Service, ServiceError, sheet::NoticeFile},
    sheets::notice::{DOCX, NoticeKind},
};

use super::{days, law};

/// The shipped law and figures.
fn shipped() -> &'static Service {
    static SERVICE: OnceLock<Service> = OnceLock::new();
    SERVICE.get_or_init(|| Service::in_memory(&[]).unwrap())
}

/// Those made up for these tests.
fn ours() -> &'static Service {
    static SERVICE: OnceLock<Service> = OnceLock::new();
    SERVICE.get_or_init(|| Service::in_memory(&[law()]).unwrap())
}

fn asked(service: &Service, area: &str, month: &str) -> Result<NoticeFile, ServiceError> {
    service.notice(area.parse().unwrap(), month.parse().unwrap(), &Terms::default())
}

/// The text of a document, paragraph by paragraph. The archive keeps its files as they are, so that
/// the document's own markup stands in it.
pub fn paragraphs(docx: &[u8]) -> Vec<String> {
    let all = String::from_utf8_lossy(docx);
    let from = all.find("<w:body>").unwrap();
    let body = &all[from..from + all[from..].find("</w:body>").unwrap()];
    let paragraph = |markup: &str| {
        let runs = markup.split("<w:t ").skip(1).chain(markup.split("<w:t>").skip(1));
        let run = |one: &str| {
            let one =
                one.split_once('>').filter(|_| one.starts_with("xml:")).map_or(one, |cut| cut.1);
            one.split("</w:t>").next().unwrap().to_owned()
        };
        runs.map(run).collect::<String>()
    };
    let all = body.split("</w:p>").map(paragraph).filter(|text| !text.is_empty());
    let plain =
        |text: String| text.replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&");
    all.map(plain).collect()
}

/// What is sent: everything before the page for those who draft it.
fn sent(found: &NoticeFile) -> String {
    let all = paragraphs(&found.file.content);
    let sent = all.iter().take_while(|one| !one.starts_with("拟稿说明"));
    sent.map(|one| format!("{one}\n")).collect()
}

fn open(found: &NoticeFile) -> Vec<&str> {
    found.notice.open.iter().map(|one| one.zh.as_str()).collect()
}

const UNSENT: [&str; 4] = ["发文字号", "主送机关", "发文机关署名", "成文日期"];

#[test]
fn a_start_says_figures_groups_rates_due_date_and_sources() {
    let found = asked(ours(), "990102", "2024-01").unwrap();
    assert_eq!(found.notice.kind, NoticeKind::Start);
    let title = "关于启动社会救助和保障标准与物价上涨挂钩联动机制发放2024年1月价格临时补贴的通知";
    assert_eq!(found.notice.title, title);
    assert_eq!(found.file.content_type, DOCX);
    assert_eq!(sent(&found), include_str!("notices/start.txt"));
    assert_eq!(open(&found)[..4], UNSENT);
    assert_eq!(open(&found)[4..], ["依据待核实：多重身份如何发放"]);
}

#[test]
fn what_is_not_known_of_a_month_that_goes_on_is_a_marked_blank() {
    let found = asked(shipped(), "150100", "2020-03").unwrap();
    assert_eq!(found.notice.kind, NoticeKind::Continue);
    assert_eq!(sent(&found), include_str!("notices/continue.txt"));
    let expected = [
        "文号：《关于进一步完善社会救助和保障标准与物价上涨挂钩联动机制的通知》",
        "文号：《关于进一步做好阶段性价格临时补贴工作的通知》",
        "数据待补：缺少呼和浩特市 2020年3月 食品数据",
        "补贴标准待核定：依据测算假设《内蒙古自治区补贴金额测算假设》",
        "发放期限：2020年3月指数的发布日期没有记录",
        "资金来源：低保对象、特困人员、优抚对象的增支部分，文件没有规定由谁承担",
        "资金来源：福利机构集中供养孤儿、社会散居孤儿、事实无人抚养儿童，文件没有规定由谁承担",
        "依据待核实：多重身份如何发放",
    ];
    assert_eq!(open(&found)[4..], expected);
}

#[test]
fn an_unpaid_month_is_suspended_and_an_end_suspends_the_mechanism() {
    let suspended = asked(ours(), "990100", "2024-03").unwrap();
    assert_eq!(suspended.notice.kind, NoticeKind::Suspend);
    assert_eq!(sent(&suspended), include_str!("notices/suspend.txt"));
    assert_eq!(open(&suspended), UNSENT);
    let ended = asked(shipped(), "150000", "2012-06").unwrap();
    assert_eq!(ended.notice.kind, NoticeKind::Suspend);
    assert_eq!(ended.notice.title, "关于中止社会救助和保障标准与物价上涨挂钩联动机制的通知");
    let text = sent(&ended);
    assert!(text.contains("自2012年6月（指数月份）起中止联动机制，停止发放价格临时补贴"), "{text}");
    assert!(!text.contains("保障对象和补贴标准"), "{text}");
}

#[test]
fn a_start_names_the_months_it_pays_back() {
    let found = asked(shipped(), "220000", "2011-05").unwrap();
    assert!(
        found.notice.title.contains("发放2011年3月至5月价格临时补贴"),
        "{}",
        found.notice.title
    );
    let text = sent(&found);
    for month in ["2011年3月", "2011年4月", "2011年5月"] {
        assert!(text.contains(&format!("{month}保障对象及补贴标准如下")), "{text}");
    }
    assert!(text.contains("连续3个月达到4.5%"), "{text}");
}

#[test]
fn strict_leaves_every_rate_that_rests_on_an_assumption_blank() {
    let terms = Terms { strict: true, ..Terms::default() };
    let found = shipped().notice("150100".parse().unwrap(), "2020-03".parse().unwrap(), &terms);
    let found = found.unwrap();
    let text = sent(&found);
    assert!(text.contains("【标准待定】") && !text.contains("60.00"), "{text}");
    assert!(text.contains("所需资金由【资金来源】承担。"), "{text}");
}

#[test]
fn every_blank_is_listed_and_everything_listed_is_a_blank() {
    let services = [ours(), shipped()];
    for (at, area, month) in [
        (0, "990102", "2024-01"),
        (0, "990100", "2024-03"),
        (1, "150100", "2020-03"),
        (1, "220000", "2011-05"),
    ] {
        let found = asked(services[at], area, month).unwrap();
        let text = sent(&found);
        // The imprint at the end is the printer's.
        let imprint = ["抄送机关", "印发机关", "印发日期"];
        let blanks = text.split('【').skip(1).map(|rest| rest.split('】').next().unwrap());
        let named =
            |blank: &str| open(&found).iter().any(|one| one.split('：').next() == Some(blank));
        for blank in blanks.filter(|blank| !imprint.contains(blank)) {
            assert!(named(blank), "{blank} is not listed");
        }
        for one in open(&found) {
            let blank = format!("【{}】", one.split('：').next().unwrap());
            assert!(text.contains(&blank), "{blank} is not in the text");
        }
    }
}

#[test]
fn a_month_with_nothing_to_announce_has_no_notice_and_says_why() {
    let (shipped, ours) = (shipped(), ours());
    for (service, area, month, why) in [
        (shipped, "150300", "2021-04", "not triggered"),
        (shipped, "150100", "2019-08", "undecidable"),
        // Above every level that decides.
        (shipped, "000000", "2019-04", "its own index only"),
        // Announced with May.
        (shipped, "220000", "2011-04", "back-paid with the start in 2011-05"),
        (ours, "990100", "2023-12", "not triggered"),
    ] {
        let refused = asked(service, area, month).unwrap_err();
        let text = refused.to_string();
        assert!(matches!(refused, ServiceError::NoNotice(_)), "{text}");
        assert!(text.starts_with(&format!("no notice for {area} {month}: ")), "{text}");
        assert!(text.contains(why), "{text}");
    }
    let unknown = asked(shipped, "999999", "2019-04").unwrap_err();
    assert!(unknown.to_string().contains("999999"), "{unknown}");
}

#[test]
fn the_same_answer_gives_the_same_bytes_also_in_another_service_and_thread() {
    let first = asked(ours(), "990102", "2024-01").unwrap();
    let elsewhere = std::thread::spawn(|| {
        // Other documents before it leave no trace.
        let service = Service::in_memory(&[law()]).unwrap();
        asked(&service, "990100", "2024-03").unwrap();
        asked(&service, "990102", "2024-01").unwrap()
    });
    assert_eq!(elsewhere.join().unwrap(), first);
    assert!(days(&first.file.content).iter().all(|day| *day == (1 << 5 | 1)));
}
