//! Words of the services' answers in both languages.

use crate::{
    domain::{decision::State, life::RunState},
    engine::reason::Text,
    grpc::v1,
};

use super::visit::Visit;

/// Where the mechanism stands.
pub(super) fn state(visit: &Visit, state: v1::State) -> &'static str {
    let (state, en) = match state {
        v1::State::Unspecified => return "",
        v1::State::Inactive => (State::Inactive, "not running"),
        v1::State::Started => (State::Started, "started"),
        v1::State::Continuing => (State::Continuing, "continuing"),
        v1::State::Suspended => (State::Suspended, "suspended"),
        v1::State::Ended => (State::Ended, "ended"),
        v1::State::BackPaid => (State::BackPaid, "back-paid"),
        v1::State::Undecidable => (State::Undecidable, "undecidable"),
    };
    visit.lang.pick(state.zh(), en)
}

/// The class of the style sheet that sets a decision off.
pub(super) fn tone(triggered: v1::Triggered) -> &'static str {
    match triggered {
        v1::Triggered::Yes => "tag yes",
        v1::Triggered::No => "tag no",
        v1::Triggered::Undecidable | v1::Triggered::Unspecified => "tag unknown",
    }
}

/// Where a run stands.
pub(super) fn run_state(visit: &Visit, state: v1::RunState) -> &'static str {
    let (state, en) = match state {
        v1::RunState::Unspecified => return "",
        v1::RunState::Draft => (RunState::Draft, "draft"),
        v1::RunState::Submitted => (RunState::Submitted, "submitted"),
        v1::RunState::Approved => (RunState::Approved, "approved"),
        v1::RunState::Released => (RunState::Released, "released"),
        v1::RunState::Closed => (RunState::Closed, "closed"),
        v1::RunState::Rejected => (RunState::Rejected, "rejected"),
        v1::RunState::Voided => (RunState::Voided, "voided"),
    };
    visit.lang.pick(state.zh(), en)
}

/// What a run is for.
pub(super) fn run_kind(visit: &Visit, run: &v1::Run) -> &'static str {
    let (zh, en) = match (&run.roster, run.adjusts.is_empty()) {
        (Some(_), _) => ("名册发放", "roster"),
        (None, true) => ("资金测算", "budget"),
        (None, false) => ("资金测算(补发)", "budget (adjustment)"),
    };
    visit.lang.pick(zh, en)
}

/// A step in a run's life.
pub(super) fn run_move(made: v1::RunMove) -> Text {
    let (zh, en) = match made {
        v1::RunMove::Unspecified => ("", ""),
        v1::RunMove::Submit => ("提交", "submit"),
        v1::RunMove::Approve => ("批准", "approve"),
        v1::RunMove::Reject => ("退回", "reject"),
        v1::RunMove::Release => ("拨付", "release"),
        v1::RunMove::Settle => ("回盘", "settle"),
        v1::RunMove::Close => ("办结", "close"),
        v1::RunMove::Void => ("作废", "void"),
    };
    Text::new(zh, en)
}

/// A group's name.
pub(super) fn group(visit: &Visit, code: &str) -> String {
    let groups = &visit.reference().data.groups;
    match code.parse() {
        Ok(known) => visit.say(groups.zh(&known), groups.en(&known)).to_owned(),
        Err(_) => code.to_owned(),
    }
}

/// Urban or rural.
pub(super) fn residence(visit: &Visit, residence: v1::Residence) -> &'static str {
    let (zh, en) = match residence {
        v1::Residence::Unspecified => ("城乡", "both"),
        v1::Residence::Urban => ("城镇", "urban"),
        v1::Residence::Rural => ("农村", "rural"),
    };
    visit.lang.pick(zh, en)
}

/// What an entry of the journal records.
pub(super) fn entry_kind(kind: v1::EntryKind) -> Text {
    let (zh, en) = match kind {
        v1::EntryKind::Unspecified => ("全部", "all"),
        v1::EntryKind::Figures => ("录入指数", "figures"),
        v1::EntryKind::Standards => ("录入标准", "standards"),
        v1::EntryKind::Law => ("载入文件", "documents"),
        v1::EntryKind::MakeRun => ("编制批次", "run made"),
        v1::EntryKind::MoveRun => ("批次流转", "run moved"),
    };
    Text::new(zh, en)
}

/// Who has to supply what is missing.
pub(super) fn supplier(missing: &v1::Missing) -> Text {
    let (zh, en) = match missing.kind.as_str() {
        "FIGURE" | "INDEX" | "BEFORE" | "RELEASE_DATE" => {
            ("统计部门(国家统计局调查队)", "statistics office (survey team)")
        }
        "STANDARD" => ("民政部门", "civil affairs office"),
        "LAW" | "PARAMETER" => ("规则维护人员(依据文件补充)", "rule keepers, from the document"),
        _ => ("发改、民政部门会商", "development and civil affairs offices"),
    };
    Text::new(zh, en)
}

/// What kind of document it is.
pub(super) fn document_kind(visit: &Visit, kind: &str) -> String {
    let (zh, en) = match kind {
        "national" => ("国家", "national"),
        "regional" => ("地方", "regional"),
        "overlay" => ("临时调整", "overlay"),
        "assumption" => ("假设", "assumption"),
        "reform" => ("改革方案", "reform"),
        other => (other, other),
    };
    visit.lang.pick(zh, en).to_owned()
}

/// A confidence mark, in words.
pub(super) fn confidence(visit: &Visit, mark: &str) -> String {
    let (zh, en) = match mark {
        "A" | "H" => ("原文核实", "verified in the text"),
        "B" | "M" => ("可靠转述", "reliably reported"),
        "C" | "L" => ("有待核实", "to be verified"),
        "U" => ("未知", "unknown"),
        other => (other, other),
    };
    visit.lang.pick(zh, en).to_owned()
}

/// In which rhythm it is paid.
pub(super) fn rhythm<'a>(visit: &Visit, rhythm: &'a str) -> &'a str {
    let zh = match rhythm {
        "monthly" => "按月",
        "quarterly" => "按季",
        "half_yearly" => "按半年",
        "yearly" => "按年",
        "term" => "按学期",
        "back_pay" => "补发",
        other => other,
    };
    visit.lang.pick(zh, rhythm)
}

/// The words of a parameter's path; what has no Chinese word stands for itself.
pub(super) fn parameter(visit: &Visit, path: &str) -> String {
    if visit.lang == crate::charts::Lang::En {
        return path.replace(['.', '_'], " ");
    }
    path.split('.').filter_map(part).collect::<Vec<_>>().join(" · ")
}

fn part(word: &str) -> Option<&str> {
    Some(match word {
        "conditions" | "steps" => return None,
        "trigger" => "启动",
        "level" => "判定级别",
        "when" => "条件组合",
        "holds_on" => "维持条件",
        "start" => "起发月份",
        "below" => "跌破之后",
        "series" => "指数",
        "measure" => "口径",
        "comparator" => "比较方式",
        "threshold" => "临界值",
        "threshold_series" => "临界值指标",
        "threshold_plus" => "临界值另加百分点",
        "run_months" => "连续月数",
        "index_area" => "指数地区",
        "amount" => "金额",
        "order" => "步骤次序",
        "rate" => "计算",
        "floor" => "下限",
        "cap" => "上限",
        "round" => "取整",
        "kind" => "方法",
        "yuan" => "元",
        "above" => "起算点",
        "rise" => "涨幅",
        "to" => "取整单位",
        "share" => "比例",
        "base" => "基数",
        "multiplier" => "乘数",
        "bands" => "分档",
        "unit" => "单位",
        "mode" => "方式",
        "due" | "deadline" => "发放期限",
        "days" => "天数",
        "working_days" => "工作日数",
        "frequency" | "rhythm" => "发放周期",
        "funding" => "资金",
        "sources" => "来源",
        "recipients" => "名单",
        "cpi" => "CPI",
        "food" => "食品",
        "grain" => "粮食",
        "pork" => "猪肉",
        other => other,
    })
}

/// A value of a parameter; what has no Chinese word stands for itself.
pub(super) fn value<'a>(visit: &Visit, value: &'a str) -> &'a str {
    let zh = match value {
        "open" => "未定",
        "inherited" => "沿用",
        "any" => "任一",
        "all" => "全部",
        "month" => "当月同比",
        "same_month" => "当月",
        "next_month" => "次月",
        "suspend" => "中止,恢复条件后再发",
        "end" => "终止",
        "prefecture" => "设区市(盟、州)",
        "province, prefecture" => "省级、设区市(盟、州)",
        "province" => "省级",
        "county" => "县(市、区、旗)",
        "nation" => "全国",
        "monthly" => "按月",
        "quarterly" => "按季",
        "person" => "按人",
        "household" => "按户",
        "half_up" => "四舍五入",
        "up" => "进一",
        "down" => "舍去",
        "none" => "不取整",
        ">=" => "达到(≥)",
        ">" => "超过(>)",
        "cpi or food" => "CPI 或食品",
        "base_times_rise" => "标准×涨幅",
        other => other,
    };
    visit.lang.pick(zh, value)
}
