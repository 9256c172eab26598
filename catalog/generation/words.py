"""What the synthetic texts are made of; domains are grouped by the tenant that the default rules give them."""

PLATFORM_DOMAINS = {
    "general_medicine": (
        "primary care triage",
        "chronic disease follow-up",
        "preventive screening",
        "referral letters",
    ),
    "healthcare_standards": ("HL7 FHIR profiles", "SNOMED CT mapping", "audit readiness", "interoperability testing"),
    "medical_terminology": ("abbreviation lists", "coding dictionaries", "plain-language summaries", "synonym sets"),
    "anatomy": ("cardiac chambers", "spinal segments", "vascular access sites", "joint structures"),
    "physiology": ("renal clearance", "gas exchange", "glucose regulation", "autonomic response"),
    "diagnostics": ("troponin assays", "imaging reports", "point-of-care tests", "biomarker cut-offs"),
    "therapeutics": ("dose titration", "anticoagulant bridging", "combination therapy", "adherence support"),
}
PHARMA_DOMAINS = {
    "regulatory": ("agency correspondence", "labelling changes", "orphan designations", "briefing books"),
    "regulatory_affairs": ("marketing applications", "module 3 updates", "scientific advice meetings", "variations"),
    "clinical_trials": ("adaptive designs", "site activation", "randomisation lists", "interim analyses"),
    "clinical_research": ("protocol amendments", "informed consent", "source data verification", "cohort selection"),
    "pharmacovigilance": ("signal detection", "case narratives", "periodic safety reports", "causality assessment"),
    "drug_development": ("lead optimisation", "toxicology packages", "formulation screening", "first-in-human dosing"),
    "pharmaceutical": ("stability studies", "excipient selection", "sterile filling", "shelf-life extension"),
    "market_access": ("value dossiers", "reference pricing", "payer interviews", "reimbursement pathways"),
    "health_economics": ("budget impact models", "utility weights", "cost-effectiveness thresholds", "burden studies"),
}
DIGITAL_DOMAINS = {
    "digital_health": ("symptom trackers", "software as a medical device", "patient portals", "engagement metrics"),
    "digital_medicine": ("digital endpoints", "algorithm validation", "prescription apps", "clinical dashboards"),
    "telemedicine": ("video consultations", "cross-border licensing", "virtual waiting rooms", "remote triage"),
    "remote_monitoring": ("home blood pressure feeds", "alert thresholds", "device onboarding", "escalation plans"),
    "wearables": ("step-count drift", "photoplethysmography", "battery outages", "sleep staging"),
    "mobile_health": ("push reminders", "offline diaries", "app store reviews", "consent screens"),
}
OTHER_DOMAINS = {
    "medical_affairs": ("advisory boards", "publication plans", "field insights", "medical enquiries"),
    "commercial_strategy": ("launch sequencing", "segment sizing", "brand tracking", "scenario planning"),
    "data_science": ("feature drift", "survival models", "missing values", "model cards"),
    "supply_chain": ("cold-chain lanes", "demand sensing", "serialisation", "dual sourcing"),
    "manufacturing_operations": ("batch release", "cleaning validation", "line clearance", "process capability"),
    "cybersecurity": ("access reviews", "device patching", "key rotation", "incident drills"),
}
# Rules compare domains exactly as stored, so these two belong to no list.
MISSPELT_DOMAINS = {
    "clinical-trials": PHARMA_DOMAINS["clinical_trials"],
    "digital-health": DIGITAL_DOMAINS["digital_health"],
}
KNOWN_TOPICS = PLATFORM_DOMAINS | PHARMA_DOMAINS | DIGITAL_DOMAINS | OTHER_DOMAINS
TOPICS = KNOWN_TOPICS | MISSPELT_DOMAINS

PROMPT_DOMAINS = (
    *("general",) * 12,
    *("clinical",) * 6,
    *("regulatory", "medical_affairs", "market_access", "digital_health", "regulatory_affairs", "clinical_research"),
    *("clinical_trials", "pharmacovigilance", "medical_writing", "clinical_validation", "digital_medicine"),
    *("telemedicine", "remote_monitoring", "commercial", "compliance", "data_analysis", "clinical_development"),
)
# Free text, spelt in more than one way; only the exact spellings are known to the rules.
AGENT_DOMAINS = (
    *("digital_health", "digital_medicine", "telemedicine", "remote_monitoring", "wearables", "mobile_health"),
    *("digital_therapeutics", "regulatory_affairs", "clinical_trials", "clinical_research", "pharmacovigilance"),
    *("drug_safety", "market_access", "medical_writing", "medical_affairs", "clinical_validation"),
    *("Digital Health", "Regulatory Affairs", "clinical operations", "quality_control", "process_development"),
    *("machine_learning", "data_visualization", "oncology", "cardiology", "rare diseases", "patient_education"),
    *("supply_planning", "nutrition", "statistical_analysis", "scale_up", "biomarkers", "care_coordination"),
)
# With these the rules that read an agent's name have something to find; the plain ones fall to the default.
AGENT_FIELDS = (
    *("Digital Therapy", "Telehealth", "Remote Care", "Regulatory", "Clinical Trial", "Pharmacovigilance"),
    *("Drug Interaction", "Oncology", "Cardiology", "Nephrology", "Paediatric", "Wound Care", "Nutrition"),
    *("Immunology", "Biostatistics", "Sterility", "Formulation", "Radiology", "Genomics", "Palliative Care"),
    *("Rehabilitation", "Patient Education", "Health Literacy", "Evidence", "Quality", "Packaging", "Logistics"),
)
AGENT_ROLES = (
    *("Advisor", "Analyst", "Architect", "Auditor", "Coach", "Coordinator", "Designer", "Editor", "Guide"),
    *("Interpreter", "Librarian", "Modeller", "Navigator", "Planner", "Reviewer", "Specialist", "Strategist"),
)
CAPABILITIES = (
    *("literature_review", "protocol_drafting", "risk_scoring", "data_cleaning", "site_comparison", "dose_checking"),
    *("label_review", "trend_analysis", "patient_messaging", "evidence_grading", "cost_modelling", "coding_support"),
)
DEPARTMENTS = ("Clinical Development", "Data Management", "Medical Affairs", "Operations", "Quality", "Safety")

TOOL_CATEGORIES = (
    *("Literature", "literature", "LITERATURE_SEARCH", "Medical", "medical", "MEDICAL_CODING", "Calculators"),
    *("Evidence", "Evidence Synthesis", "Regulatory", "REGULATORY_INTEL", "Safety", "SAFETY_SIGNALS", "Statistics"),
    *("Imaging", "Genomics", "Scheduling", "Messaging", "Wearables", "DEVICE_DATA", "Registries", "PATIENT_REGISTRY"),
    *("Translation", "Pricing", "Health Economics", "HEOR/Models", "Quality", "Manufacturing", "Supply", "Identity"),
    *("Documents", "DOC_ASSEMBLY", "Visualisation", "Speech", "Terminology", "Audit", "Training", "Other"),
)
TOOL_SUBJECTS = (
    *("Trial Registry", "Drug Label", "Adverse Event", "Dose", "Literature", "Guideline", "Biomarker", "Protocol"),
    *("Consent Form", "Device Feed", "Claims", "Formulary", "Terminology", "Imaging Report", "Cost Model", "Cohort"),
)
TOOL_VERBS = ("Search", "Calculator", "Checker", "Summariser", "Extractor", "Monitor", "Comparator", "Exporter")

ACTORS = (
    *("The study team", "A safety physician", "The regulatory lead", "Each site", "The data manager", "A pharmacist"),
    *("The care coordinator", "Quality assurance", "The statistician", "A reviewer", "The device vendor", "The payer"),
    *("A patient representative", "The ethics committee", "The medical writer", "An external auditor"),
)
VERBS = (
    *("documents", "reviews", "compares", "validates", "escalates", "summarises", "plans", "monitors", "reconciles"),
    *("signs off", "challenges", "records", "prioritises", "archives", "re-estimates", "explains"),
)
CONTEXTS = (
    *("before the next visit", "within five working days", "against the approved plan", "for every treatment arm"),
    *("when thresholds are exceeded", "together with the sponsor", "using the locked data set", "at each milestone"),
    *("in line with local law", "without identifying patients", "for adults over 65 years", "after a system change"),
    *('whenever "critical" findings occur', "as the protocol's annex requires", "on a quarterly basis", "per region"),
    *(
        "with a second pair of eyes",
        "at 2 to 8 °C",
        "in German, French & Spanish",
        "for naïve and pre-treated groups",
    ),
)
SECTIONS = ("overview", "capability", "procedure", "limitations", "expert_profile", "references", "checklist")

FIRST_NAMES = (
    *("Ada", "Bela", "Chidi", "Dana", "Emeka", "Farah", "Goran", "Hana", "Ines", "Jonas", "Keiko", "Lars", "Mira"),
    *("Noor", "Olga", "Pavel", "Quinn", "Rosa", "Sven", "Tara", "Umar", "Vera", "Wim", "Xenia", "Yara", "Zoë"),
)
LAST_NAMES = (
    *("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ivy", "Juniper", "Katsura", "Larch"),
    *("Maple", "Nutmeg", "Oak", "Pine", "Quince", "Rowan", "Spruce", "Teak", "Umbrella", "Viburnum", "Willow", "Yew"),
)
